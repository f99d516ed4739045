package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.distributed.pretrain.LabProcess.Result;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is wrong is said in one sentence with one of advice, by the right exit code, and leaves nothing behind. */
class BadInputTest {
    private static final int BAD = 2;
    private static final int MACHINE = 3;

    @TempDir
    private static Path shared;
    /** A run of 8 steps with checkpoints of 4 and 8, and the cache it filled. */
    private static Path wholeRun;
    private static Path wholeCache;

    @TempDir
    private Path folder;

    @BeforeAll
    static void trainOnce() throws IOException {
        wholeRun = shared.resolve("run");
        wholeCache = shared.resolve("cache");
        Path text = text(shared.resolve("stories.txt"), 60);
        Result result = LabProcess.run(wholeCache,
                LabProcess.tiny(shared, "--data", "text:" + text, "--out", wholeRun));
        assertEquals(0, result.exitCode(), result.err());
    }

    /** A text of that many documents. */
    static Path text(Path file, int documents) throws IOException {
        List<String> stories = new ArrayList<>();
        for (int i = 0; i < documents; i++) {
            stories.add("Once there were " + i + " little dogs who liked to run in the park all day long.");
        }
        return Files.writeString(file, String.join("\n<|endoftext|>\n", stories));
    }

    /** Where a case plays: puts files there, and says the command line. */
    @FunctionalInterface
    interface Scene {
        List<Object> arguments(Path folder) throws Exception;
    }

    private static Arguments bad(String name, String message, String advice, Scene scene) {
        return Arguments.of(name, BAD, message, advice, scene);
    }

    private static Arguments machine(String name, String message, String advice, Scene scene) {
        return Arguments.of(name, MACHINE, message, advice, scene);
    }

    /** A case that is nothing but options of a new run. */
    private static Arguments option(String message, String advice, Object... options) {
        return bad(Stream.of(options).map(Object::toString).reduce((a, b) -> a + " " + b).orElse(""), message, advice,
                folder -> List.of(options));
    }

    static Stream<Arguments> options() {
        return Stream.of(
                option("unknown preset quickstrat", "Did you mean quickstart?", "quickstrat"),
                option("optimizer.learning_rate must be at least 0, found -1.0", "Correct", "--learning-rate=-1"),
                option("optimizer.learning_rate must be at least 0, found NaN", "Correct", "--learning-rate", "nan"),
                option("optimizer.learning_rate is \"abc\"", "Correct", "--learning-rate", "abc"),
                option("model.vocab_size is \"4294967297\"", "Correct", "--vocab-size", "4294967297"),
                option("the vocabulary size 256 is not within 257", "512 to 65536", "--vocab-size", "256"),
                option("train.steps must be at least 1, found 0", "Correct", "--steps", "0"),
                option("run.eval_every must be at least 1, found 0", "Correct", "--set", "run.eval_every=0"),
                option("unknown device tpu; known are auto, cpu, cuda and cuda:N", "auto", "--device", "tpu"),
                option("run.precision is \"fp8\"", "Correct", "--precision", "fp8"),
                option("run.precision must have a value", "Correct", "--set", "run.precision=null"),
                option("data.train must have a value", "Correct", "--set", "data.train=null"),
                option("asked for on cpu in bf16", "--kernels auto", "--kernels", "ours",
                        "--precision", "bf16"),
                option("Unknown key model.dims (--set model.dims=3); did you mean model.dim?", "The keys of model",
                        "--set", "model.dims=3"),
                option("model.dim must be a multiple of heads, found dim 16 and heads 3", "Correct", "--set",
                        "model.heads=3"),
                option("train.batch_size times model.context_length must be at most 2147483647", "Correct",
                        "--batch-size", "1000000000"),
                option("'tinystoriez' names no data", "Use tinystories, text:PATH", "--data", "tinystoriez"),
                option("synthetic has no option 'storeys'", "synthetic[:stories=N,seed=S]", "--data",
                        "synthetic:storeys=9"),
                option("both were given", "Leave one of them out.", "--tokenizer", "t.json", "--vocab-size", "300"),
                option("both were given", "Leave one of them out.", "--resume", "--overwrite"),
                option("--nproc must be at least 1, found 0.", "See lab pretrain --help.", "--nproc", "0"),
                option("cannot be divided evenly among 1000 ranks.", "a multiple of 1000", "--nproc", "1000"),
                option("--zero must be 0, 1, 2 or 3, found 4.", "Give one of them.", "--zero", "4"),
                option("has started, and one rank alone is not started so.", "See", "--nproc", "1", "--max-restarts",
                        "2"),
                option("has started, and neither was given.", "See", "--max-restarts", "2"),
                option("--zero divides state among replicas, and the mesh tp=2 has none.", "dp=2", "--mesh", "tp=2",
                        "--zero", "3"),
                option("--gradients is how replicas sum theirs, and the mesh pp=2 has none.", "dp=2", "--mesh", "pp=2",
                        "--gradients", "naive"),
                option("--schedule is of a pipeline, and the mesh dp=2 has none.", "pp=2", "--nproc", "2",
                        "--schedule", "afab"),
                option("nccl exchanges arrays of GPUs, and this run's are the CPU's.", "--device cuda", "--backend",
                        "nccl"),
                option("lab pretrain has no option --step", "Did you mean --steps?", "--step", "3"),
                machine("a GPU that is not there", "device cuda:99 is not there: libtorch sees", "lab doctor",
                        folder -> List.of("--device", "cuda:99")),
                machine("a batch beyond all memory", "the model and the activations of one batch need at least",
                        "Lower train.batch_size",
                        folder -> List.of("--batch-size", 100_000_000, "--set", "model.dim=64")),
                machine("a step beyond all memory", "the token ids of one step need at least",
                        "Lower train.accumulation", folder -> List.of("--accumulation", 2_000_000_000)),
                machine("a model beyond all memory", "the weights and the optimizer's state need at least",
                        "smaller model", folder -> List.of("--set", "model.dim=4000000")));
    }

    static Stream<Arguments> texts() {
        return Stream.of(
                bad("a text that is not there", "there is no file or folder", "Give the path of a UTF-8 text file",
                        folder -> List.of("--data", "text:" + folder.resolve("no.txt"))),
                bad("an empty text", "there is no text in", "Give a UTF-8 text file",
                        folder -> List.of("--data", "text:" + Files.createFile(folder.resolve("empty.txt")))),
                bad("a blank text", "nothing but white space and separators", "Give a file with text in it.",
                        folder -> List.of("--data", "text:" + Files.writeString(folder.resolve("blank.txt"),
                                " \n<|endoftext|>\n"))),
                bad("a folder without texts", "the folder holds no *.txt files", "Give a UTF-8 text file",
                        folder -> List.of("--data", "text:" + Files.createDirectory(folder.resolve("texts")))),
                bad("a text in Latin-1", "has bytes that are not UTF-8 at byte 30002", "convert it with iconv",
                        folder -> List.of("--data", "text:" + Files.writeString(folder.resolve("latin1.txt"),
                                "a ".repeat(15_000) + "Gr\u00fc\u00dfe", StandardCharsets.ISO_8859_1))),
                bad("a program instead of a text", "has a zero byte at byte 5", "Give plain UTF-8 text",
                        folder -> List.of("--data", "text:" + Files.write(folder.resolve("garbage.txt"),
                                new byte[] {0x7f, 'E', 'L', 'F', 2, 0, 1, -1, -2}))),
                bad("a text of one document", "has only 1 different document", "--valid",
                        folder -> List.of("--data", "text:" + text(folder.resolve("one.txt"), 1))),
                bad("a validation text that is not there", "there is no file or folder", "Give the path",
                        folder -> List.of("--valid", "text:" + folder.resolve("no.txt"))),
                bad("the same text to learn from and to validate on",
                        "every training document is a validation document too", "Give validation data", folder -> {
                            Path text = text(folder.resolve("t.txt"), 9);
                            return List.of("--data", "text:" + text, "--valid", "text:" + text);
                        }),
                bad("a context longer than the data", "fewer than one window of context length 65,536 + 1",
                        "Use more data, or a shorter context.", folder -> List.of("--data",
                                "text:" + text(folder.resolve("t.txt"), 60), "--set", "model.context_length=65536",
                                "--batch-size", 1)),
                bad("a validation text shorter than the context",
                        "the validation data has 3 tokens, fewer than one window of context length 16 + 1",
                        "Use more data, or a shorter context.", folder -> List.of("--valid",
                                "text:" + Files.writeString(folder.resolve("v.txt"), "zq"))),
                bad("a tokenizer that is not there", "there is no tokenizer file", "Give the path of a tokenizer.json",
                        folder -> tokenizer(folder.resolve("t.json"))),
                bad("a tokenizer that is cut off", "is not a valid tokenizer file", "as they were published",
                        folder -> tokenizer(Files.writeString(folder.resolve("t.json"), "{\"model\": {\"vocab\": {"))),
                bad("a tokenizer without the end of a text", "has no token <|endoftext|>; its special tokens are []",
                        "without --special", folder -> tokenizer(plainTokenizer(folder))),
                bad("a configuration that is not there", "There is no configuration file", "Check the path.",
                        folder -> List.of("--config", folder.resolve("no.yaml"))),
                bad("a configuration with an unknown key", "run.yaml:3); did you mean optimizer.learning_rate?",
                        "The keys of optimizer are", folder -> List.of("--config", Files.writeString(
                                folder.resolve("run.yaml"), "train:\n  steps: 9\noptimizer: {learnin_rate: 1}\n"))),
                bad("a configuration with a text for a number", "train.steps is \"many\" (", "Correct the value.",
                        folder -> List.of("--config", Files.writeString(folder.resolve("run.yaml"),
                                "train: {steps: many}"))),
                bad("a configuration that is no YAML", "run.yaml:2 is not YAML", "quote values",
                        folder -> List.of("--config", Files.writeString(folder.resolve("run.yaml"),
                                "train:\n  steps: [1"))));
    }

    private static List<Object> tokenizer(Path file) {
        return List.of("--tokenizer", file);
    }

    /** The shared run's tokenizer without its added token. */
    private static Path plainTokenizer(Path folder) throws IOException {
        String json = Files.readString(wholeRun.resolve("tokenizer.json"));
        int from = json.indexOf("\"added_tokens\"");
        String plain = json.substring(0, from) + "\"added_tokens\": []" + json.substring(json.indexOf("]", from) + 1);
        return Files.writeString(folder.resolve("t.json"), plain);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"options", "texts"})
    void aNewRunIsRefused(String name, int exitCode, String message, String advice, Scene scene) throws Exception {
        List<Object> arguments = new ArrayList<>(scene.arguments(folder));
        arguments.addAll(List.of("--out", folder.resolve("deep/run")));
        String[] command = LabProcess.tiny(shared, arguments.toArray());
        Map<String, String> before = FolderContents.of(folder);
        LabProcess.explained(LabProcess.run(wholeCache, command), exitCode, message, advice);
        assertEquals(before, FolderContents.of(folder), "left in the folder");
        FolderContents.noTemporaries(wholeCache);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "generate DIR/no                         | There is no run at                | lab pretrain or lab import",
        "generate RUN --top-p 2                  | top-p must be above 0             | in this range",
        "generate RUN --temperature -1           | temperature must be at least 0    | in this range",
        "eval DIR/no --data synthetic            | There is no run at                | lab pretrain or lab import",
        "eval RUN --data text:DIR/no.txt         | there is no file or folder        | UTF-8 text file",
        "eval RUN --data synthetic:stories=2 --logits /sys/kernel/x.npy | permission denied | can be written",
        "export RUN --format onnx --out DIR/x    | expected --format to be hf        | lab export --help",
        "export RUN --format hf --out RUN        | is not empty                      | new or empty",
        "export RUN --format hf --out /sys/kernel/x | Operation not permitted        | Check the path",
        "import DIR --out DIR/x                  | config.json could not be read     | save_pretrained",
        "tokenizer train DIR/no.txt --out DIR/t  | --vocab-size                      | lab tokenizer train --help",
        "tokenizer train DIR/no.txt --vocab-size 300 --out DIR/t | no such file      | Check the path",
        "tokenizer train RUN/config.yaml --vocab-size 9 --out DIR/t | the vocabulary size is 9 | 257 or more",
        "tokenizer encode --tokenizer RUN/config.yaml RUN/config.yaml | is not a valid tokenizer file | tokenizer.json",
        "data prepare text:DIR/no                | there is no file or folder        | UTF-8 text file",
        "data info RUN                           | has format version 0              | prepare",
        "data verify DIR                         | holds no prepared data            | lab data prepare",
        "train                                   | lab has no command train          | See lab --help"})
    void theOtherCommandsRefuseToo(String line, String message, String advice) throws IOException {
        Map<String, String> run = FolderContents.of(wholeRun);
        String[] command = line.replace("DIR", folder.toString()).replace("RUN", wholeRun.toString()).split(" ");
        LabProcess.explained(LabProcess.run(wholeCache, command), BAD, message, advice);
        assertEquals(Map.of("", "folder"), FolderContents.of(folder), "left in the folder");
        assertEquals(run, FolderContents.of(wholeRun));
    }
}
