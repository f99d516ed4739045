package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The functions of the launcher {@code lab}: which Java, which libtorch, whether the build is stale. */
class LauncherTest {
    @TempDir
    private Path folder;

    /** Makes a folder that looks like a Java of this version; "jre 25" is one without a compiler. */
    private Path java(String name, String version) throws IOException {
        Path home = folder.resolve(name);
        Shell.script(home.resolve("bin/java"), "");
        if (!version.startsWith("jre ")) {
            Shell.script(home.resolve("bin/javac"), "");
        }
        Files.writeString(home.resolve("release"),
                "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version.replace("jre ", "") + "\"\nOS_ARCH=\"x86_64\"\n");
        return home;
    }

    @ParameterizedTest
    @CsvSource({"25,25", "25.0.3,25", "26-ea,26", "21.0.2,21", "1.8.0_402,8", "nonsense,0"})
    void readsTheVersionOfAJava(String version, int feature) throws IOException {
        Path home = java("some java", version);
        assertEquals(feature + "\n", Shell.sourced("java_feature '" + home + "'; echo $feature").out());
    }

    @Test
    void asksAJavaThatHasNoReleaseFile() throws IOException {
        Path home = folder.resolve("java");
        Shell.script(home.resolve("bin/java"), "echo 'openjdk version \"27.0.1\" 2027-01-19' >&2");
        assertEquals("27\n", Shell.sourced("java_feature '" + home + "'; echo $feature").out());
        assertEquals("0\n", Shell.sourced("java_feature '" + folder.resolve("nothing") + "'; echo $feature").out());
    }

    private String found(String tool, String preferred, String installed) {
        return Shell.sourced("preferred_javas() { printf '%s\\n' " + preferred + "; };"
                + " installed_javas() { printf '%s\\n' " + installed + "; }; find_java " + tool
                + " && basename \"$java_home\" || echo \"none, newest $newest_java\"").out().strip();
    }

    @Test
    void takesTheChosenJavaElseTheOldestThatWillDo() throws IOException {
        Path old = java("j17", "17.0.15");
        Path chosen = java("j26", "26.0.1");
        Path fitting = java("j25", "25.0.3");
        Path newer = java("j27", "27");
        Path runtime = java("r25", "jre 25.0.1");
        String all = old + " " + newer + " " + fitting + " " + folder.resolve("missing");
        assertEquals("j26", found("javac", "'' " + old + " " + chosen, all));
        assertEquals("j25", found("javac", old.toString(), all));
        assertEquals("j27", found("javac", "", old + " " + runtime + " " + newer));
        assertEquals("r25", found("java", "", old + " " + runtime + " " + newer));
        assertEquals("none, newest 17", found("java", "", old.toString()));
        assertEquals("none, newest 0", found("java", "", ""));
    }

    @Test
    void theChosenJavasAreJavaHomeThenThePath() throws IOException {
        Path first = java("first", "25");
        Path second = java("second", "25");
        Path bin = Files.createDirectories(folder.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("java"), second.resolve("bin/java"));
        String out = Shell.sourced("JAVA_HOME='" + first + "'; PATH='" + bin + "':$PATH; preferred_javas").out();
        assertEquals(List.of(first.toRealPath().toString(), second.toRealPath().toString()), out.lines().toList());
    }

    @Test
    void theInstalledJavasComeFromVariablesToolchainsAndFolders() throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        Files.createDirectories(home.resolve(".sdkman/candidates/java/25.0.1-tem"));
        Files.createDirectories(home.resolve(".m2"));
        Files.writeString(home.resolve(".m2/toolchains.xml"),
                "<toolchain><configuration>\n  <jdkHome>/jdks/25</jdkHome>\n");
        String out = Shell.sourced("HOME='" + home + "'; JAVA25_HOME=/by/variable; installed_javas").out();
        assertTrue(out.lines().toList().containsAll(List.of("/by/variable", "/jdks/25",
                home.resolve(".sdkman/candidates/java/25.0.1-tem").toString())), out);
    }

    @Test
    void aMissingJavaIsOneSentenceAndAnAdvice() throws IOException {
        Path old = java("j17", "17.0.15");
        Shell.Result result = Shell.sourced("preferred_javas() { :; };"
                + " installed_javas() { echo '" + old + "'; }; require_java javac");
        assertEquals(3, result.exitCode());
        assertEquals(List.of("error: lab needs a JDK 25 or newer, and the newest found is Java 17 in " + old + ".",
                "  Install one (Eclipse Temurin 25, or your system's openjdk-25-jdk), or set JAVA_HOME to one."),
                result.err().lines().toList());
        Path runtime = java("r25", "jre 25");
        assertTrue(Shell.sourced("preferred_javas() { echo '" + runtime + "'; };"
                + " installed_javas() { :; }; require_java javac")
                .err().contains("Java 25 in " + runtime + " has no javac"));
        assertTrue(Shell.sourced("preferred_javas() { :; }; installed_javas() { :; }; require_java java").err()
                .contains("no Java was found"));
    }

    @Test
    void linksAreFollowedToTheFolderOfTheScript() throws IOException {
        Path script = Shell.script(folder.resolve("a folder/lab"), "");
        Path bin = Files.createDirectories(folder.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("one"), script);
        Files.createSymbolicLink(bin.resolve("two"), Path.of("one"));
        for (String name : List.of("bin/one", "bin/two", "a folder/lab", "bin/../bin/two")) {
            assertEquals(script.getParent().toRealPath() + "\n",
                    Shell.sourced("cd '" + folder + "'; real_folder '" + name + "'").out());
        }
    }

    private boolean stale() {
        return Shell.sourced("home='" + folder + "'; build='" + folder + "/build'; stale").exitCode() == 0;
    }

    @Test
    void aBuildIsStaleWhenASourceIsNewer() throws IOException {
        Path source = folder.resolve("module/src/main/java/A.java");
        Path test = folder.resolve("module/src/test/java/ATest.java");
        for (Path file : List.of(source, test, folder.resolve("module/pom.xml"), folder.resolve("pom.xml"))) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, "");
        }
        assertTrue(stale(), "there is no build yet");
        Shell.run("find '" + folder + "' -exec touch -d '2020-01-01' {} +; mkdir '" + folder
                + "/build'; touch -d 2021-01-01 '" + folder + "/build/current'");
        assertFalse(stale());
        Shell.run("touch -d 2022-01-01 '" + test + "'");
        assertFalse(stale(), "tests are no part of the build");
        for (Path file : List.of(source, folder.resolve("module/pom.xml"), folder.resolve("pom.xml"))) {
            Shell.run("touch -d 2022-01-01 '" + file + "'");
            assertTrue(stale(), file + " is newer");
            Shell.run("touch -d 2020-01-01 '" + file + "'");
            assertFalse(stale());
        }
        Files.delete(source);
        assertTrue(stale(), "a source is gone");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", value = {
        "gpu | -                       | pretrain              | none",
        "no  | -                       | pretrain              | cpu",
        "gpu | -                       | pretrain --device cpu | cpu",
        "gpu | -                       | pretrain --device=cpu | cpu",
        "gpu | -                       | pretrain --device cuda:1 --name cpu | none",
        "gpu | LAB_DEVICE=cpu          | pretrain              | cpu",
        "gpu | CUDA_VISIBLE_DEVICES=   | pretrain              | cpu",
        "gpu | CUDA_VISIBLE_DEVICES=-1 | pretrain              | cpu",
        "gpu | CUDA_VISIBLE_DEVICES=1  | pretrain              | none",
        "no  | PYTORCH_LIBRARY_PATH=/x | pretrain              | none",
        "no  | PYTORCH_LIBRARY_PATH=/x | pretrain --device cpu | none"})
    void theCpuBuildOfLibtorchIsLeftOutForAGpu(String machine, String variable, String arguments, String added) {
        String devices = "unset CUDA_VISIBLE_DEVICES PYTORCH_LIBRARY_PATH LAB_DEVICE; "
                + (variable == null ? "" : variable + "; ")
                + "nvidia_devices() { " + (machine.equals("gpu") ? "true" : "false") + "; }; has_library() { true; }; ";
        assertEquals(added + "\n", Shell.sourced(devices + "libtorch_to_add " + arguments).out());
    }

    @Test
    void aGpuWithoutDriverOrCudaRuntimeIsNoneToLibtorch() {
        for (String missing : List.of("libcuda.so.1", "libcudart.so.12")) {
            assertEquals("cpu\n", Shell.sourced("unset PYTORCH_LIBRARY_PATH; nvidia_devices() { true; };"
                    + " has_library() { [ $1 != " + missing + " ]; }; libtorch_to_add pretrain").out());
        }
    }

    @Test
    void librariesAreFoundByTheVariable() throws IOException {
        Files.writeString(folder.resolve("libcudart.so.12"), "");
        String has = "has_library libcudart.so.12 && echo yes || echo no";
        assertEquals("yes\n", Shell.sourced("LD_LIBRARY_PATH=/nowhere:'" + folder + "'; " + has).out());
        assertEquals("no\n", Shell.sourced("ldconfig() { echo '  libother.so.1 (libc6) => /x'; };"
                + " unset LD_LIBRARY_PATH; " + has).out());
    }

    @ParameterizedTest
    @CsvSource({"0,''", "8,''", "15,''", "16,-Xmx4g", "512,-Xmx4g"})
    void theHeapIsAtMostFourGibibytes(int gibibytes, String option) {
        String limits = Shell.sourced("memory_gibibytes() { gibibytes=" + gibibytes + "; }; heap_limits").out();
        assertEquals((option + " -XX:+UseParallelGC -XX:MaxNewSize=128m").strip(),
                String.join(" ", limits.strip().split("\n")));
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {"-,-,-,C.UTF-8", "C,-,-,C.UTF-8", "-,POSIX,-,C.UTF-8", "-,-,de_DE.UTF-8,-",
        "en_US.UTF-8,C,C,en_US.UTF-8", "-,C,de_DE.UTF-8,C.UTF-8"})
    void fileNamesAreUtf8WithoutALocale(String all, String type, String language, String expected) {
        String out = Shell.sourced("unset LC_ALL LC_CTYPE LANG; " + (all == null ? "" : "LC_ALL=" + all + "; ")
                + (type == null ? "" : "LC_CTYPE=" + type + "; ") + (language == null ? "" : "LANG=" + language + "; ")
                + "utf8_locale; echo ${LC_ALL:-}").out();
        assertEquals(expected == null ? "" : expected, out.strip());
    }
}
