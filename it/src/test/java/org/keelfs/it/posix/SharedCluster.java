package org.keelfs.it.posix;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.Shell;

/**
 * One cluster for all tests of this package, started by the first and taken away after the last;
 * its stores and logs stay when a test failed. A parameter of type {@link Cluster} is it.
 */
final class SharedCluster implements ParameterResolver, AfterTestExecutionCallback {
    private static final Namespace NAMESPACE = Namespace.create(SharedCluster.class);
    private static final Duration REMOVAL = Duration.ofSeconds(60);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Cluster.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return running(context).cluster;
    }

    @Override
    public void afterTestExecution(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            running(context).failed = true;
        }
    }

    private static Running running(ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .computeIfAbsent(Running.class, _ -> new Running(), Running.class);
    }

    /** Closed by JUnit when all tests are done. */
    private static final class Running implements AutoCloseable {
        private final Path directory;
        private final Cluster cluster;
        private boolean failed;

        Running() {
            Path root =
                    Path.of(System.getProperty("keelfs.root", ".")).toAbsolutePath().normalize();
            try {
                Path clusters = Files.createDirectories(root.resolve("it/target/clusters"));
                directory = Files.createTempDirectory(clusters, "posix-");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            cluster = Cluster.builder().start(directory);
        }

        @Override
        public void close() {
            cluster.close();
            if (!failed && cluster.mounted().isEmpty()) {
                Shell.run(
                                directory.getParent(),
                                Map.of(),
                                List.of("rm", "-rf", directory.toString()),
                                REMOVAL)
                        .orThrow();
            }
        }
    }
}
