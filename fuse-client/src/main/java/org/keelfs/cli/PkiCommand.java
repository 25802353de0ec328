package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "pki",
        description = "Makes the cluster's authority and its certificates.",
        subcommands = {PkiCommand.Init.class, PkiCommand.Issue.class})
final class PkiCommand implements Callable<Integer> {
    @Spec @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        throw Keelfs.missingCommand(spec);
    }

    private static final class Directory {
        @Option(
                names = "--pki",
                paramLabel = "DIR",
                defaultValue = "run/pki",
                description = "Where the authority is kept; default: ${DEFAULT-VALUE}.")
        Path path = Path.of("run/pki");
    }

    @Command(name = "init", description = "Makes a certificate authority. One is never replaced.")
    static final class Init implements Callable<Integer> {
        @picocli.CommandLine.Mixin Directory directory = new Directory();

        @Option(names = "--if-absent", description = "Be content when there is one.")
        boolean ifAbsent;

        @Override
        public Integer call() throws IOException {
            if (!ifAbsent || !CertificateAuthority.exists(directory.path)) {
                CertificateAuthority.create(directory.path);
            }
            return ExitCode.OK;
        }
    }

    @Command(
            name = "issue",
            description = "Issues certificates: NAME.crt and NAME.key beside the authority.")
    static final class Issue implements Callable<Integer> {
        @Spec @Nullable CommandSpec spec;

        @picocli.CommandLine.Mixin Directory directory = new Directory();

        @Parameters(
                arity = "1..*",
                paramLabel = "NAME=ROLE",
                description = "Role: client, node, metadata or admin.")
        List<String> wanted = new ArrayList<>();

        @Option(
                names = "--host",
                paramLabel = "HOST",
                description = "Name or address besides those of this machine; may be repeated.")
        List<String> hosts = new ArrayList<>();

        @Option(names = "--if-absent", description = "Leave certificates that exist alone.")
        boolean ifAbsent;

        @Override
        public Integer call() throws IOException {
            List<Certificate> certificates = wanted.stream().map(this::parse).toList();
            var authority = CertificateAuthority.load(directory.path);
            for (Certificate each : certificates) {
                if (!ifAbsent || !Files.exists(directory.path.resolve(each.name() + ".crt"))) {
                    authority.issue(each.name(), each.role(), hosts);
                }
            }
            return ExitCode.OK;
        }

        private record Certificate(String name, Role role) {}

        private Certificate parse(String text) {
            int equals = text.indexOf('=');
            try {
                return new Certificate(
                        text.substring(0, equals),
                        Role.valueOf(text.substring(equals + 1).toUpperCase(Locale.ROOT)));
            } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
                if (spec == null) {
                    throw e;
                }
                throw new ParameterException(
                        spec.commandLine(),
                        "'" + text + "' is not NAME=client, node, metadata or admin");
            }
        }
    }
}
