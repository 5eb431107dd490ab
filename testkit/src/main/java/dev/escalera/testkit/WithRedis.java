package dev.escalera.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives a test class a Redis server of its own, started with the first use and closed after the
 * class.
 *
 * <p>Constructors, test methods and lifecycle methods may then have parameters of type {@link
 * RedisServer} and of Lettuce's {@code RedisClient}; the client is one of the class, shut down
 * after it.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RedisExtension.class)
public @interface WithRedis {}
