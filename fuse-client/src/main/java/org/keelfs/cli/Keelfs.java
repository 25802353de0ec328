package org.keelfs.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line: every process and tool of Keelfs starts here. */
@Command(
        name = "keelfs",
        description = "A distributed POSIX file system: mounts, servers and tools.",
        mixinStandardHelpOptions = true,
        scope = CommandLine.ScopeType.INHERIT,
        version = "Keelfs 0.1.0-SNAPSHOT",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:failed; the line on standard error says why",
            "2:bad command line or configuration",
            "3:stopped, but data of the files it names could not be saved",
            "4:no such file, directory or volume",
            "5:refused: wrong password or certificate, no permission",
            "6:taken: port, mount point, store or name",
            "7:the servers do not answer"
        },
        subcommands = {
            MountCommand.class,
            UmountCommand.class,
            MetadataServerCommand.class,
            StorageNodeCommand.class,
            PkiCommand.class,
            VolumeCommand.class,
            PutCommand.class,
            GetCommand.class,
            LsCommand.class,
            StatusCommand.class,
            BenchCommand.class,
            ConfigCommand.class
        })
public final class Keelfs implements Callable<Integer> {
    @Spec @Nullable CommandSpec spec;

    /** Runs one command and ends the process with its {@code ExitCode}. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    static int run(String... args) {
        return commandLine().execute(args);
    }

    static CommandLine commandLine() {
        var commandLine = new CommandLine(new Keelfs());
        commandLine.addSubcommand("completion", new GenerateCompletion());
        commandLine.setParameterExceptionHandler(Failures::onUsage);
        commandLine.setExecutionExceptionHandler(Failures::onExecution);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        return commandLine;
    }

    @Override
    public Integer call() {
        throw missingCommand(spec);
    }

    /** For a command that only has subcommands. */
    static ParameterException missingCommand(@Nullable CommandSpec spec) {
        if (spec == null) {
            throw new IllegalStateException("picocli injects the specification");
        }
        return new ParameterException(spec.commandLine(), "a command is missing");
    }
}
