package org.keelfs.it.history;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * A mount that is broken on purpose: one class of the client, compiled from its source with one
 * place changed, in front of the others on the class path. Nothing in the product knows of it.
 *
 * @param name for messages
 * @param source of the class, from the root of the project
 * @param original text of the place, once in the source
 * @param broken text in its stead
 * @param flags of the programs that are to find it (historian.c)
 */
record Mutant(String name, String source, String original, String broken, String flags) {
    /** Mapped: a file that the kernel may hold pages of is never SHARED. */
    private static final String MAPPED = "m";

    private static final String LOCKS_ALONE = "L";

    private static final String KERNEL_INVALIDATION =
            "fuse-client/src/main/java/org/keelfs/client/lease/KernelInvalidation.java";
    private static final String RECALLS =
            "fuse-client/src/main/java/org/keelfs/client/vfs/Recalls.java";
    private static final String LOCKED_INODES =
            "fuse-client/src/main/java/org/keelfs/client/lock/LockedInodes.java";

    /** Pages stay in the kernel after the lease has gone. */
    static final Mutant NO_INVALIDATION =
            new Mutant(
                    "a recall that leaves the kernel's pages",
                    KERNEL_INVALIDATION,
                    "            kernel.invalidateData(inode, 0, 0);\n",
                    "",
                    MAPPED);

    /** Sectors stay in the mount after the lease has gone. */
    static final Mutant KEEPS_SECTORS =
            new Mutant(
                    "a recall that leaves the mount's sectors",
                    RECALLS,
                    "        vfs.data().forget(inode);\n",
                    "",
                    MAPPED);

    /** What was written stays here when the lease goes. */
    static final Mutant NO_FLUSH =
            new Mutant(
                    "a recall that forgets what was written",
                    RECALLS,
                    "vfs.data().flush(inode);",
                    "boolean _ = vfs.data().abandon(inode);",
                    MAPPED);

    /** Others get what programs of this mount hold. */
    static final Mutant NO_LOCKS_HANDED_OVER =
            new Mutant(
                    "a hand-over that forgets the locks",
                    LOCKED_INODES,
                    "locks = s.own.held();",
                    "locks = List.of();",
                    LOCKS_ALONE);

    static List<Mutant> all() {
        return List.of(NO_INVALIDATION, KEEPS_SECTORS, NO_FLUSH, NO_LOCKS_HANDED_OVER);
    }

    @Override
    public String toString() {
        return name;
    }

    /** The class path of a process that runs the mutant. */
    String classPath(Path root, Path directory) {
        String classPath =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path", ""));
        try {
            Files.createDirectories(directory);
            String text = Files.readString(root.resolve(source));
            int at = text.indexOf(original);
            if (at < 0 || text.indexOf(original, at + 1) >= 0) {
                throw new AssertionError(name + ": not once in " + source + ": " + original);
            }
            compile(text.replace(original, broken), classPath, directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return directory + File.pathSeparator + classPath;
    }

    private void compile(String text, String classPath, Path directory) {
        var unit =
                new SimpleJavaFileObject(
                        URI.create("string:///" + Path.of(source).getFileName()),
                        JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return text;
                    }
                };
        var said = new StringWriter();
        boolean well =
                ToolProvider.getSystemJavaCompiler()
                        .getTask(
                                said,
                                null,
                                null,
                                List.of("-d", directory.toString(), "-cp", classPath, "-proc:none"),
                                null,
                                List.of(unit))
                        .call();
        if (!well) {
            throw new AssertionError(name + " does not compile:\n" + said);
        }
    }
}
