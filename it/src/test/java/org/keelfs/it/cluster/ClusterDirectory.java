package org.keelfs.it.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Where the clusters of tests live: below the module's target directory, so that the stores and
 * logs of a failed test stay until the next clean build and nothing else does.
 */
public final class ClusterDirectory implements TempDirFactory {
    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
            throws IOException {
        Path root = Path.of(System.getProperty("keelfs.root", ".")).toAbsolutePath().normalize();
        Path clusters = Files.createDirectories(root.resolve("it/target/clusters"));
        return Files.createTempDirectory(
                clusters, context.getRequiredTestClass().getSimpleName() + "-");
    }
}
