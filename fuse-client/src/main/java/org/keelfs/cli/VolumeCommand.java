package org.keelfs.cli;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.crypto.Keyring;
import org.keelfs.crypto.MasterKey;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;
import org.keelfs.wire.proto.MetadataProto.VolumeRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "volume",
        description = "Makes and shows volumes: file systems of their own, each with its key.",
        subcommands = {
            VolumeCommand.Create.class,
            VolumeCommand.ListAll.class,
            VolumeCommand.Show.class
        })
final class VolumeCommand implements Callable<Integer> {
    @Spec @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        throw Keelfs.missingCommand(spec);
    }

    @Command(
            name = "create",
            description =
                    "Makes a volume. Its master key is random and leaves this process only"
                            + " encrypted under the password.")
    static final class Create implements Callable<Integer> {
        private static final int MIB = 1 << 20;

        @Mixin AdminOptions admin = new AdminOptions();

        @Parameters(paramLabel = "VOLUME", description = "Name of the volume.")
        String name = "";

        @Option(
                names = "--replicas",
                paramLabel = "R",
                defaultValue = "3",
                description = "Storage nodes that keep each chunk; default: ${DEFAULT-VALUE}.")
        int replicas;

        @Option(
                names = "--chunk-mib",
                paramLabel = "MIB",
                defaultValue = "64",
                description = "Size of a chunk, 1 to 64; default: ${DEFAULT-VALUE}.")
        int chunkMib;

        @Option(
                names = "--owner",
                paramLabel = "UID:GID",
                description = "Owner of the root directory, as numbers; default: who asks.")
        @Nullable String owner;

        @Option(
                names = "--password-file",
                paramLabel = "FILE",
                description =
                        "Holds the password; default: the file that KEELFS_PASSWORD_FILE names,"
                                + " else secret/volume.pass in DIR.")
        @Nullable Path passwordFile;

        @Option(names = "--if-absent", description = "Be content when there is one of this name.")
        boolean ifAbsent;

        @Option(
                names = "--timeout",
                paramLabel = "SECONDS",
                defaultValue = "0",
                description = "How long to wait for the server; default: not at all.")
        int timeoutSeconds;

        @Override
        public Integer call() throws Exception {
            if (replicas < 1 || replicas > 7 || chunkMib < 1 || chunkMib > 64) {
                throw new CliException(
                        ExitCode.USAGE, "replicas are 1 to 7, and a chunk has 1 to 64 MiB");
            }
            Owner root = owner == null ? Owner.ofThisProcess() : Owner.parse(owner);
            byte[] password = PasswordFile.read(passwordFile, admin.dir);
            try (var server = admin.connect()) {
                server.awaitStatus(timeoutSeconds * 1_000L);
                if (ifAbsent && exists(server)) {
                    return ExitCode.OK;
                }
                byte[] keyring = Keyring.encrypt(MasterKey.random(), password);
                server.volume(
                        VolumeRequest.newBuilder()
                                .setCreate(
                                        VolumeInfo.newBuilder()
                                                .setName(name)
                                                .setReplicas(replicas)
                                                .setChunkBytes(chunkMib * MIB)
                                                .setRootUid(root.uid())
                                                .setRootGid(root.gid())
                                                .setKeyring(ByteString.copyFrom(keyring)))
                                .build());
            } catch (FsException e) {
                if (!ifAbsent || e.errno() != Errno.EEXIST) {
                    throw e;
                }
            } finally {
                Arrays.fill(password, (byte) 0);
            }
            return ExitCode.OK;
        }

        private boolean exists(AdminConnection server) throws InterruptedException {
            return server
                    .volume(VolumeRequest.newBuilder().setList(true).build())
                    .getVolumesList()
                    .stream()
                    .anyMatch(volume -> volume.getName().equals(name));
        }
    }

    @Command(name = "list", description = "Lists the volumes.")
    static final class ListAll implements Callable<Integer> {
        @Mixin AdminOptions admin = new AdminOptions();

        @Override
        public Integer call() throws Exception {
            try (var server = admin.connect()) {
                server.volume(VolumeRequest.newBuilder().setList(true).build())
                        .getVolumesList()
                        .forEach(volume -> System.out.println(volume.getName()));
            }
            System.out.flush();
            return ExitCode.OK;
        }
    }

    @Command(name = "info", description = "Shows one volume.")
    static final class Show implements Callable<Integer> {
        @Mixin AdminOptions admin = new AdminOptions();

        @Parameters(paramLabel = "VOLUME", description = "Name of the volume.")
        String name = "";

        @Override
        public Integer call() throws Exception {
            try (var server = admin.connect()) {
                var found = server.volume(VolumeRequest.newBuilder().setInfo(name).build());
                if (found.getVolumesCount() == 0) {
                    throw new CliException(ExitCode.NOT_FOUND, "no volume '" + name + "'");
                }
                VolumeInfo volume = found.getVolumes(0);
                System.out.printf(
                        "name: %s%nid: %d%nreplicas: %d%nchunk-bytes: %d%nroot: %d%n",
                        volume.getName(),
                        volume.getId(),
                        volume.getReplicas(),
                        volume.getChunkBytes(),
                        volume.getRoot());
            }
            System.out.flush();
            return ExitCode.OK;
        }
    }
}
