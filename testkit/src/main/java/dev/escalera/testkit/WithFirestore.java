package dev.escalera.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives a test class an empty project of its own on a Firestore emulator, which all classes of the
 * JVM share.
 *
 * <p>Constructors, test methods and lifecycle methods may then have parameters of type {@link
 * FirestoreEmulator} and {@code Firestore}; the client is one of the class, shut down after it.
 *
 * <p>Where no emulator is found the class is skipped, with a line that says how to get one; with
 * {@code -Descalera.firestore=required} it fails instead.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(FirestoreExtension.class)
public @interface WithFirestore {}
