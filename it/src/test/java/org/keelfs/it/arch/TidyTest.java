package org.keelfs.it.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import javax.lang.model.element.Modifier;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What no compiler checks about the files of this repository. */
final class TidyTest {
    private static final int FILE_LINES_MAX = 600;
    private static final int METHOD_LINES_MAX = 70;
    private static final long FILE_BYTES_MAX = 512 * 1024;

    /**
     * Longer files, each with its present length rounded up to the next ten. A ratchet: the numbers
     * only fall, and an entry goes once its file fits.
     */
    private static final Map<String, Integer> LONGER_FILES = Map.of();

    /** Longer methods as {@code Class.method}: exhaustive dispatch switches. A ratchet as above. */
    private static final Map<String, Integer> LONGER_METHODS =
            Map.of("MetadataService.decoded", 90);

    /** A pattern that no Java source may contain, where it may, and what to write instead. */
    private record Banned(String pattern, Predicate<String> allowedIn, String instead) {}

    private static final List<Banned> BANNED =
            List.of(
                    new Banned(
                            "\\bSystem\\.(out|err)\\b",
                            // and the test of what the command line prints there
                            mainOf("/cli/", "it/").or(place -> place.contains("/KeelfsTest.java:")),
                            "a logger"),
                    new Banned("\\.printStackTrace\\(\\)", mainOf(), "a logger"),
                    new Banned(
                            "\\bThread\\.sleep\\(", mainOf(), "a deadline, or Awaitility in tests"),
                    new Banned("\\bnew Random\\(\\)", mainOf(), "a seed that a failure prints"),
                    new Banned("^\\s*assert\\s", mainOf(), "Invariant.check, which is always on"),
                    new Banned("import .*\\bsun\\.misc\\.", mainOf(), "java.lang.foreign"),
                    new Banned(
                            "@Disabled|@Enabled(If|On)|\\bassum(e|ing)(True|False|That)\\(",
                            mainOf(),
                            "a test that runs; scripts/test says what a machine lacks"),
                    new Banned("import org\\.junit\\.Test;", mainOf(), "JUnit Jupiter"));

    private static final Pattern UNFINISHED =
            Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b|\\b[Ff]or no" + "w\\b");
    private static final Pattern MACHINE_PATH =
            Pattern.compile("(?<![\\w.])/(wo" + "rk|ro" + "ot|fa" + "rm)/");
    private static final Pattern EMPTY_NAME =
            Pattern.compile(".*[a-z](Manager|Helper|Utils?|Impl|Data|Info)");

    /** Names of that form whose last words are the thing itself: the bytes of a file. */
    private static final Set<String> FITTING_NAMES = Set.of("FileData", "BufferedFileData");

    private static final Set<String> TEXT =
            Set.of(
                    "java",
                    "proto",
                    "xml",
                    "md",
                    "sh",
                    "py",
                    "yaml",
                    "yml",
                    "properties",
                    "txt",
                    "");
    private static final Set<String> CODE = Set.of("java", "proto", "xml", "sh", "py", "");

    private static final Path ROOT = Path.of(System.getProperty("keelfs.root")).toAbsolutePath();

    /** Relative path to content in lines; binary files have none. */
    private static final TreeMap<String, List<String>> FILES = new TreeMap<>();

    private final List<String> complaints = new ArrayList<>();

    @BeforeAll
    static void readAllFiles() throws IOException {
        Files.walkFileTree(
                ROOT,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(
                            Path dir, BasicFileAttributes attributes) {
                        String name = ROOT.relativize(dir).toString();
                        boolean skip =
                                name.equals(".git")
                                        || name.equals("run")
                                        || dir.endsWith("target")
                                        || name.startsWith(".idea")
                                        || name.startsWith(".vscode");
                        return skip ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        String name = ROOT.relativize(file).toString();
                        boolean text =
                                attributes.isRegularFile()
                                        && TEXT.contains(extension(name))
                                        && attributes.size() <= FILE_BYTES_MAX;
                        FILES.put(
                                name,
                                text
                                        ? Files.readAllLines(file, StandardCharsets.UTF_8)
                                        : List.of());
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    @Test
    void noFileIsTooLong() {
        FILES.forEach(
                (name, lines) -> {
                    if (extension(name).equals("java")) {
                        ratchet(name, lines.size(), FILE_LINES_MAX, LONGER_FILES, name);
                    }
                });
        assertTidy();
    }

    @Test
    void noMethodIsTooLong() throws IOException {
        eachTree(
                name -> true,
                (unit, trees) ->
                        new TreePathScanner<Void, String>() {
                            @Override
                            public Void visitClass(ClassTree type, String outer) {
                                String name = type.getSimpleName().toString();
                                return super.visitClass(type, name.isEmpty() ? outer : name);
                            }

                            @Override
                            public Void visitMethod(MethodTree method, String type) {
                                if (method.getBody() != null) {
                                    var positions = trees.getSourcePositions();
                                    var lineMap = unit.getLineMap();
                                    long lines =
                                            lineMap.getLineNumber(
                                                            positions.getEndPosition(
                                                                    unit, method.getBody()))
                                                    - lineMap.getLineNumber(
                                                            positions.getStartPosition(
                                                                    unit, method.getBody()))
                                                    + 1;
                                    String name = type + "." + method.getName();
                                    ratchet(
                                            name,
                                            lines,
                                            METHOD_LINES_MAX,
                                            LONGER_METHODS,
                                            path(unit));
                                }
                                return super.visitMethod(method, type);
                            }
                        }.scan(unit, ""));
        assertTidy();
    }

    @Test
    void everyPublicTypeSaysWhatItIs() throws IOException {
        eachTree(
                name -> name.contains("src/main/java/"),
                (unit, trees) ->
                        new TreePathScanner<Void, Boolean>() {
                            @Override
                            public Void visitClass(ClassTree type, Boolean visible) {
                                boolean open =
                                        visible
                                                && (type.getModifiers()
                                                                .getFlags()
                                                                .contains(Modifier.PUBLIC)
                                                        || insideInterface());
                                if (open && trees.getDocComment(getCurrentPath()) == null) {
                                    complain(
                                            path(unit),
                                            "public " + type.getSimpleName() + " has no javadoc");
                                }
                                return super.visitClass(type, open);
                            }

                            private boolean insideInterface() {
                                TreePath parent = getCurrentPath().getParentPath();
                                return parent.getLeaf().getKind() == Tree.Kind.INTERFACE;
                            }
                        }.scan(unit, true));
        assertTidy();
    }

    @Test
    void namesOfTypesSayARole() {
        FILES.keySet().stream()
                .filter(name -> extension(name).equals("java"))
                .filter(name -> EMPTY_NAME.matcher(simpleName(name)).matches())
                .filter(name -> !FITTING_NAMES.contains(simpleName(name)))
                .forEach(name -> complain(name, "a name that says no role"));
        assertTidy();
    }

    @Test
    void everyPackageIsDescribedAndNullMarked() {
        FILES.keySet().stream()
                .filter(name -> name.contains("/src/main/java/") && name.endsWith(".java"))
                .map(name -> name.substring(0, name.lastIndexOf('/') + 1) + "package-info.java")
                .distinct()
                .filter(info -> !FILES.getOrDefault(info, List.of()).contains("@NullMarked"))
                .forEach(info -> complain(info, "missing, or without @NullMarked"));
        assertTidy();
    }

    @Test
    void bannedCallsAreNotUsed() {
        eachLine(
                Set.of("java"),
                (place, line) -> {
                    for (Banned banned : BANNED) {
                        if (!banned.allowedIn().test(place)
                                && !place.contains("TidyTest")
                                && Pattern.compile(banned.pattern()).matcher(line).find()) {
                            complain(place, line.strip() + "  (use " + banned.instead() + ")");
                        }
                    }
                });
        assertTidy();
    }

    @Test
    void nothingIsLeftUnfinished() {
        eachLine(
                CODE,
                (place, line) -> complainIf(UNFINISHED.matcher(line).find(), place, line.strip()));
        assertTidy();
    }

    @Test
    void noPathOfOneMachineIsWrittenDown() {
        eachLine(
                TEXT,
                (place, line) ->
                        complainIf(MACHINE_PATH.matcher(line).find(), place, line.strip()));
        assertTidy();
    }

    @Test
    void noTabsAndNoTrailingSpace() {
        eachLine(CODE, (place, line) -> complainIf(line.indexOf('\t') >= 0, place, "a tab"));
        eachLine(CODE, (place, line) -> complainIf(line.endsWith(" "), place, "trailing space"));
        assertTidy();
    }

    @Test
    void noBigFiles() throws IOException {
        for (String name : FILES.keySet()) {
            Path file = ROOT.resolve(name);
            complainIf(
                    Files.isRegularFile(file) && Files.size(file) > FILE_BYTES_MAX,
                    name,
                    "too big");
        }
        assertTidy();
    }

    @Test
    void scriptsCanBeRun() {
        FILES.forEach(
                (name, lines) -> {
                    boolean script = !lines.isEmpty() && lines.getFirst().startsWith("#!");
                    boolean runs = Files.isExecutable(ROOT.resolve(name));
                    complainIf(script && !runs, name, "needs its run bit");
                    complainIf(
                            !script && runs && !lines.isEmpty(),
                            name,
                            "a run bit without a first line #!");
                });
        assertTidy();
    }

    @Test
    void everyDocumentHasOneTitle() {
        FILES.forEach(
                (name, lines) -> {
                    if (extension(name).equals("md")) {
                        complainIf(
                                titles(lines) != 1, name, "needs exactly one title line \"# ...\"");
                    }
                });
        assertTidy();
    }

    private static long titles(List<String> lines) {
        long titles = 0;
        boolean inCode = false;
        for (String line : lines) {
            inCode ^= line.startsWith("```");
            titles += !inCode && line.startsWith("# ") ? 1 : 0;
        }
        return titles;
    }

    private void ratchet(
            String name, long lines, int max, Map<String, Integer> exceptions, String place) {
        Integer exception = exceptions.get(name);
        int limit = exception == null ? max : exception;
        complainIf(lines > limit, place, name + " has " + lines + " lines, more than " + limit);
        complainIf(
                exception != null && lines <= limit - 10,
                place,
                name + " has only " + lines + " lines by now: lower its exception");
    }

    /** Parses, without attribution, every Java source whose path matches. */
    private static void eachTree(
            Predicate<String> which, BiConsumer<CompilationUnitTree, DocTrees> visit)
            throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var fileManager =
                compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            List<Path> sources =
                    FILES.keySet().stream()
                            .filter(name -> name.endsWith(".java") && which.test(name))
                            .filter(name -> !name.endsWith("package-info.java"))
                            .map(ROOT::resolve)
                            .toList();
            var task =
                    (JavacTask)
                            compiler.getTask(
                                    null,
                                    fileManager,
                                    null,
                                    List.of("-proc:none"),
                                    null,
                                    fileManager.getJavaFileObjectsFromPaths(sources));
            DocTrees trees = DocTrees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                visit.accept(unit, trees);
            }
        }
    }

    private static String path(CompilationUnitTree unit) {
        return ROOT.relativize(Path.of(unit.getSourceFile().toUri())).toString();
    }

    private static void eachLine(Set<String> extensions, BiConsumer<String, String> visit) {
        FILES.forEach(
                (name, lines) -> {
                    if (extensions.contains(extension(name))) {
                        for (int i = 0; i < lines.size(); i++) {
                            visit.accept(name + ":" + (i + 1), lines.get(i));
                        }
                    }
                });
    }

    /** Main code whose path contains one of the parts. */
    private static Predicate<String> mainOf(String... parts) {
        return place -> {
            for (String part : parts) {
                if (place.contains("src/main/")
                        && (place.contains(part) || place.startsWith(part))) {
                    return true;
                }
            }
            return false;
        };
    }

    private static String extension(String name) {
        String file = name.substring(name.lastIndexOf('/') + 1);
        int dot = file.lastIndexOf('.');
        return dot < 0 ? "" : file.substring(dot + 1);
    }

    private static String simpleName(String name) {
        return name.substring(name.lastIndexOf('/') + 1).replace(".java", "");
    }

    private void complainIf(boolean bad, String place, String what) {
        if (bad) {
            complain(place, what);
        }
    }

    private void complain(String place, String what) {
        complaints.add(place + ": " + what);
    }

    private void assertTidy() {
        assertEquals("", String.join("\n", complaints));
    }
}
