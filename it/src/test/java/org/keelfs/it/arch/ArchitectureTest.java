package org.keelfs.it.arch;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.client.meta.MetadataSession;

/** Who may import whom. A package that does not exist yet breaks no rule. */
final class ArchitectureTest {
    private static final String ROOT = "org.keelfs.";

    private static final String[] MACHINES =
            packages("register..", "lease..", "lock..", "replicaset..", "namespace..");

    /** Composition roots: the packages that wire a process together, and the command line. */
    private static final String[] ROOTS =
            packages("node", "metadata", "client.mount", "cli", "it..");

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(location -> !location.contains("/test-classes/"))
                    .importPackages("org.keelfs");

    /** base, model, machines, and above them whatever moves bytes. */
    @Nested
    final class Layers {
        @Test
        void baseImportsNothingOfOurs() {
            uses("base..");
        }

        @Test
        void modelImportsOnlyBase() {
            uses("model..", "base..");
        }

        @Test
        void machinesImportBaseModelAndEachOther() {
            for (String machine : MACHINES) {
                uses(
                        machine.substring(ROOT.length()),
                        "base..",
                        "model..",
                        "register..",
                        "lease..",
                        "lock..",
                        "replicaset..",
                        "namespace..");
            }
        }
    }

    @Nested
    final class Machines {
        @Test
        void doNoInputOrOutputAndKnowNoThread() {
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(MACHINES)
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(
                                    "java.io..",
                                    "java.net..",
                                    "java.nio.file..",
                                    "java.nio.channels..",
                                    "java.util.concurrent..",
                                    "io.netty..",
                                    "org.slf4j..")
                            .because("a machine decides and a driver moves bytes"));
        }

        @Test
        void areGivenTheTime() {
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(MACHINES)
                            .should()
                            .dependOnClassesThat()
                            .haveFullyQualifiedName(ROOT + "base.Clock")
                            .because("a machine gets the time as an argument"));
        }

        @Test
        void callNothingThatDiffersFromRunToRun() {
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(packagesAnd(ROOT + "model..", MACHINES))
                            .should()
                            .accessTargetWhere(
                                    call(
                                                    System.class,
                                                    "nanoTime",
                                                    "currentTimeMillis",
                                                    "identityHashCode")
                                            .or(call(Instant.class, "now"))
                                            .or(call(Math.class, "random"))
                                            .or(call(UUID.class, "randomUUID"))
                                            .or(call(Random.class))
                                            .or(call(Thread.class)))
                            .because("a seed must replay every step; pass time and ids in"));
        }

        @Test
        void iterateInAnOrderThatEveryRunRepeats() {
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(packagesAnd(ROOT + "model..", MACHINES))
                            .should()
                            .accessTargetWhere(
                                    call(Set.class, "of", "copyOf")
                                            .or(call(Map.class, "of", "copyOf", "ofEntries"))
                                            .or(call(HashMap.class, "<init>"))
                                            .or(call(HashSet.class, "<init>"))
                                            .or(call(IdentityHashMap.class, "<init>"))
                                            .or(
                                                    call(
                                                            Collectors.class,
                                                            "toSet",
                                                            "toUnmodifiableSet",
                                                            "toUnmodifiableMap")))
                            .because(
                                    "their order differs from JVM to JVM, or with keys that hash by"
                                            + " identity; use arrays, TreeMap or LinkedHashMap"));
        }
    }

    @Nested
    final class Modules {
        @Test
        void theProcessesDoNotImportEachOther() {
            String[] client = packages("client..", "fuse..", "cli..");
            apart(packages("node.."), packages("metadata.."));
            apart(packages("node.."), client);
            apart(packages("metadata.."), client);
        }

        private static void apart(String[] one, String[] other) {
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(one)
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(other));
            check(
                    noClasses()
                            .that()
                            .resideInAnyPackage(other)
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(one));
        }

        @Test
        void commonImportsNoProcess() {
            String[] processes = packages("node..", "metadata..", "client..", "fuse..", "cli..");
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(packagesAnd(ROOT + "it..", processes))
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(processes));
        }

        @Test
        void nothingImportsTheTests() {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackage(ROOT + "it..")
                            .should()
                            .dependOnClassesThat()
                            .resideInAPackage(ROOT + "it.."));
        }

        @Test
        void noPackagesImportEachOtherInACycle() {
            check(slices().matching("org.keelfs.(**)").should().beFreeOfCycles());
        }
    }

    /** From the kernel down to the quorum. Metrics may be counted anywhere in the client. */
    @Nested
    final class Client {
        @Test
        void adaptersKnowTheVfsAndThePortToTheKernelCache() {
            uses("fuse..", "client.vfs", "client.lease", "buffer..", "base..", "model..");
            check(
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + "fuse..")
                            .should()
                            .dependOnClassesThat(
                                    resideInAPackage(ROOT + "client.lease")
                                            .and(not(named("KernelCache")))));
        }

        /** The messages of wire are the vocabulary it shares with the server's commands. */
        @Test
        void vfsKnowsNoCallsAndNoAdapter() {
            clientPackageUses("vfs", "cache", "data", "meta", "lease", "lock", "namespace");
            check(
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + "client.vfs")
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(packages("fuse..", "rpc..")));
        }

        /**
         * What is answered here and what the server decides keep one order only if all goes there.
         */
        @Test
        void commandsGoThroughTheNamespaceWriter() {
            clientPackageUses("namespace", "cache", "meta", "lease");
            check(
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + "client.vfs")
                            .should()
                            .accessTargetWhere(
                                    call(
                                            MetadataSession.class,
                                            "submit",
                                            "submitOne",
                                            "submitUntilAnswered")));
        }

        @Test
        void leasesFlushAndEmptyButAreNotAskedFromBelow() {
            clientPackageUses("lease", "cache", "data", "meta");
        }

        @Test
        void fileLocksNeedOnlyTheSession() {
            clientPackageUses("lock", "meta");
        }

        @Test
        void cacheAndMetadataCallsStandAlone() {
            clientPackageUses("cache");
            clientPackageUses("meta");
        }

        /** Of the registers it sees the hints that a lease hands over. */
        @Test
        void dataGoesThroughTheQuorumEncrypted() {
            uses(
                    "client.data",
                    "client.quorum",
                    "register..",
                    "crypto..",
                    "buffer..",
                    "base..",
                    "model..",
                    "metrics..");
        }

        /** Copying a replica is done from here too, with the machine of replicaset. */
        @Test
        void quorumDrivesTheRegistersOverTheWire() {
            uses(
                    "client.quorum",
                    "register..",
                    "replicaset..",
                    "rpc..",
                    "wire..",
                    "buffer..",
                    "base..",
                    "model..",
                    "metrics..");
        }

        private static void clientPackageUses(String name, String... others) {
            String[] allowed =
                    Stream.of(others).map(other -> ROOT + "client." + other).toArray(String[]::new);
            var otherClientPackages =
                    resideInAPackage(ROOT + "client..")
                            .and(not(resideInAPackage(ROOT + "client." + name)))
                            .and(not(resideInAnyPackage(allowed)));
            check(
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + "client." + name)
                            .should()
                            .dependOnClassesThat(otherClientPackages));
        }
    }

    /** Each library has one home, so that it can be replaced there. */
    @Nested
    final class Libraries {
        @Test
        void nettyStaysInRpcAndTls() {
            only("io.netty..", "rpc..", "security.tls..");
        }

        @Test
        void bouncyCastleStaysInPkiAndCrypto() {
            only("org.bouncycastle..", "security.pki..", "crypto..");
        }

        @Test
        void rocksDbStaysInIndexStoreAndLog() {
            only("org.rocksdb..", "node.index..", "metadata.store..", "metadata.log..");
        }

        @Test
        void ratisStaysInTheMetadataLog() {
            only("org.apache.ratis..", "metadata.log..");
        }

        @Test
        void jnrStaysInTheAdapters() {
            only("jnr..", "fuse..");
            only("ru.serce..", "fuse..");
        }

        @Test
        void caffeineStaysInTheCaches() {
            only("com.github.benmanes..", "client.cache..", "metadata.store..");
        }

        @Test
        void picocliStaysInTheCommandLine() {
            only("picocli..", "cli..");
        }

        private static void only(String library, String... homes) {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(packagesAnd(ROOT + "it..", homes))
                            .should()
                            .dependOnClassesThat()
                            .resideInAPackage(library));
        }
    }

    @Nested
    final class CompositionRoots {
        @Test
        void aloneReadConfiguration() {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(packagesAnd(ROOT + "config..", ROOTS))
                            .should()
                            .dependOnClassesThat()
                            .resideInAPackage(ROOT + "config.."));
        }

        @Test
        void aloneReadTheEnvironment() {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(packagesAnd(ROOT + "config..", ROOTS))
                            .should()
                            .accessTargetWhere(call(System.class, "getenv", "getProperty")));
        }

        /** Who is handed a thread or a factory of them may start it. */
        @Test
        void aloneMakeThreadsAndExecutors() {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(ROOTS)
                            .and(not(named("((Kernel|Jnr)Mount|PeerSlot)")))
                            .should()
                            .accessTargetWhere(
                                    call(
                                                    Thread.class,
                                                    "<init>",
                                                    "ofVirtual",
                                                    "ofPlatform",
                                                    "startVirtualThread")
                                            .or(call(Executors.class))
                                            .or(call(ThreadPoolExecutor.class, "<init>"))
                                            .or(call(ForkJoinPool.class, "<init>", "commonPool")))
                            .because(
                                    "a root hands executors out; an adapter is one for its readers,"
                                            + " and a peer's name is resolved beside its event loop"));
        }

        @Test
        void aloneEndTheProcess() {
            check(
                    noClasses()
                            .that()
                            .resideOutsideOfPackages(ROOTS)
                            .should()
                            .accessTargetWhere(
                                    call(System.class, "exit")
                                            .or(call(Runtime.class, "exit", "halt"))));
        }
    }

    /** Of our packages, {@code user} uses itself and {@code allowed}, no other. */
    private static void uses(String user, String... allowed) {
        var others =
                resideInAPackage("org.keelfs..")
                        .and(not(resideInAnyPackage(packagesAnd(ROOT + user, allowed))));
        check(
                noClasses()
                        .that()
                        .resideInAPackage(ROOT + user)
                        .should()
                        .dependOnClassesThat(others));
    }

    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(CLASSES);
    }

    /** A call, a reference or a field access on {@code owner}; on any member if none is named. */
    private static DescribedPredicate<JavaAccess<?>> call(Class<?> owner, String... members) {
        Set<String> names = Set.of(members);
        return describe(
                owner.getSimpleName() + (names.isEmpty() ? "" : "." + String.join("/", members)),
                access ->
                        access.getTargetOwner().isEquivalentTo(owner)
                                && (names.isEmpty() || names.contains(access.getName())));
    }

    /** The class of that simple name and what is nested in it. */
    private static DescribedPredicate<JavaClass> named(String simpleName) {
        return describe(
                simpleName,
                javaClass -> javaClass.getFullName().matches(".*\\." + simpleName + "(\\$.*)?"));
    }

    private static String[] packages(String... names) {
        return packagesOf(List.of(names));
    }

    private static String[] packagesAnd(String first, String... more) {
        var all = new ArrayList<String>(List.of(more));
        all.add(first);
        return packagesOf(all);
    }

    private static String[] packagesOf(List<String> names) {
        return names.stream()
                .map(name -> name.startsWith(ROOT) ? name : ROOT + name)
                .toArray(String[]::new);
    }
}
