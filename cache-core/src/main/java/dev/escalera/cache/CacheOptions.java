package dev.escalera.cache;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a cache is built with.
 *
 * @param <K> keys
 * @param <V> values
 * @param name of the cache, which keeps its keys apart from those of others
 * @param ttl how long a value lives
 * @param ttlJitter the share of the time to live by which a value may live shorter
 * @param l1MaximumSize how many entries L1 holds, or of which weight where there is a weigher
 * @param l1Weigher gives the weight of an entry; null if all weigh the same
 * @param l1Ttl how long a value lives in L1
 * @param remoteBudget how long one call may wait for L2
 * @param maxStaleness how long L1 may be served after the last proof that it is current
 * @param onRemoteLoss what is served while L2 cannot be reached
 * @param outageTtl how old a value may be that is served then
 * @param freshness when a change returns
 * @param recoveryRate how many keys a second are compared or loaded anew once L2 is back
 * @param staleIfError how long an expired value may serve when a load fails; zero if not at all
 * @param softTimeout after which a load leaves its callers to an expired value; null if never
 * @param hardTimeout after which a load fails its callers; null if never
 * @param earlyRefresh the beta of XFetch; 0 if values are not refreshed early
 * @param compression of values in L2
 * @param negativeTtl how long it is kept that there is no value; null if not at all
 * @param crossNodeSingleFlight whether nodes wait for each other's loads
 * @param tagsOf gives the tags of an entry; null if they have none
 * @param ttlOf gives the time to live of an entry; null if all have the same
 * @param meterRegistry to which the cache registers its meters; null if none
 */
public record CacheOptions<K, V>(
    String name,
    Duration ttl,
    double ttlJitter,
    long l1MaximumSize,
    @Nullable ToIntBiFunction<? super K, ? super V> l1Weigher,
    Duration l1Ttl,
    Duration remoteBudget,
    Duration maxStaleness,
    OnRemoteLoss onRemoteLoss,
    Duration outageTtl,
    Freshness freshness,
    int recoveryRate,
    Duration staleIfError,
    @Nullable Duration softTimeout,
    @Nullable Duration hardTimeout,
    double earlyRefresh,
    Compression compression,
    @Nullable Duration negativeTtl,
    boolean crossNodeSingleFlight,
    @Nullable BiFunction<? super K, ? super V, Set<String>> tagsOf,
    @Nullable BiFunction<? super K, ? super V, Duration> ttlOf,
    @Nullable MeterRegistry meterRegistry) {}
