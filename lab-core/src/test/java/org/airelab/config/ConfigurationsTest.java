package org.airelab.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationsTest {
    enum Precision { FP32, BF16, HALF_SPLIT }

    record Optimizer(double learningRate, List<Double> betas, boolean decoupledDecay) {
        Optimizer {
            if (!(learningRate > 0)) {
                throw new IllegalArgumentException("learning_rate must be above 0, found " + learningRate);
            }
            if (betas.isEmpty()) {
                throw new IllegalArgumentException("betas must not be empty");
            }
            if (betas.size() > 2) {
                throw UserError.badInput("There are " + betas.size() + " betas and 2 are allowed.", "Give two.");
            }
        }
    }

    record Model(int layers, int nHeads, Precision precision, Optional<Integer> kvHeads) {
        Model {
            if (kvHeads.isPresent() && nHeads % kvHeads.get() != 0) {
                throw new IllegalArgumentException("heads must be a multiple of key-value heads");
            }
        }
    }

    record Warmup(int warmupSteps) {
        Warmup {
            if (warmupSteps < 0) {
                throw new IllegalArgumentException("warmupSteps must be at least 0, found " + warmupSteps);
            }
        }
    }

    record Train(String name, long steps, float dropout, Path data, Model model, Optimizer optimizer, Long seed) {
        Train {
            Objects.requireNonNull(name, "name");
        }
    }

    private static final Train DEFAULTS = new Train("quick", 100, 0.1f, Path.of("data/x"),
            new Model(2, 4, Precision.FP32, Optional.empty()), new Optimizer(3e-4, List.of(0.9, 0.95), true), null);

    @TempDir
    private Path folder;

    private Train load(String yaml, String... overrides) throws IOException {
        Path file = yaml == null ? null : Files.writeString(folder.resolve("run.yaml"), yaml);
        return Configurations.load(Train.class, DEFAULTS, file, Stream.of(overrides).map(Setting::parse).toList());
    }

    @Test
    void nothingGivenIsTheDefaults() throws IOException {
        assertEquals(DEFAULTS, load(null));
        assertEquals(DEFAULTS, load(""));
        assertEquals(DEFAULTS, load("# only a comment\n"));
        assertEquals(DEFAULTS, load("model:\n  # layers: 3\noptimizer:\n"));
    }

    @Test
    void fileChangesDefaultsAndOverridesChangeTheFile() throws IOException {
        Train read = load("""
                steps: 1_000
                model:
                  layers: 6
                  precision: half-split
                optimizer: {betas: [0.8, 1], learning_rate: 1e-3}
                """, "model.layers=8", "model.kv_heads=2", "optimizer.betas=[0.5]", "name=a: b # c");
        assertEquals(new Train("a: b # c", 1000, 0.1f, Path.of("data/x"),
                new Model(8, 4, Precision.HALF_SPLIT, Optional.of(2)), new Optimizer(1e-3, List.of(0.5), true), null),
                read);
    }

    @Test
    void dottedKeysAndWholeSectionsMerge() throws IOException {
        assertEquals(5, load("model.layers: 5\nmodel.n_heads: 8\n").model().layers());
        Model model = load("model:\n  layers: 5", "model={n_heads: 8, precision: BF16}").model();
        assertEquals(new Model(5, 8, Precision.BF16, Optional.empty()), model);
    }

    @Test
    void scalarsAreReadByTheTypeTheyMustHave() throws IOException {
        assertEquals("no", load("name: no").name());
        assertEquals("012", load("name: 012").name());
        assertEquals("null", load("name: 'null'").name());
        assertEquals("1.50", load("name: 1.50").name());
        assertEquals("", load("name: ''").name());
        assertEquals(10_000, load("steps: 1e4").steps());
        assertEquals(1500, load("steps: 1.5E+3").steps());
        assertEquals(0.25, load("optimizer: {learning_rate: .25}").optimizer().learningRate());
        assertEquals(Double.POSITIVE_INFINITY, load("optimizer: {learning_rate: .inf}").optimizer().learningRate());
        assertEquals(Long.MIN_VALUE, load("steps: -9223372036854775808").steps());
        assertEquals(7L, load("seed: 7").seed());
        assertNull(load("seed: 7", "seed=null").seed());
        assertEquals(Optional.empty(), load("model: {kv_heads: 2}", "model.kv_heads=~").model().kvHeads());
        assertEquals("text:../shared data", load(null, "data=text:../shared data").data().toString());
    }

    @Test
    void withoutDefaultsEveryKeyIsNeeded() throws IOException {
        Path file = Files.writeString(folder.resolve("m.yaml"), "layers: 1\nn_heads: 2\nprecision: fp32\n");
        assertEquals(new Model(1, 2, Precision.FP32, Optional.empty()),
                Configurations.load(Model.class, null, file, List.of()));
        UserError error = assertThrows(UserError.class,
                () -> Configurations.load(Model.class, null, null, List.of(Setting.parse("layers=1"))));
        assertEquals("The key n_heads is missing.", error.getMessage());
    }

    @Test
    void unknownKeysNameTheNearest() throws IOException {
        refused("Unknown key optimizer.lr (%s:1); did you mean optimizer.learning_rate?", "optimizer: {lr: 1}");
        refused("Unknown key train.lr (%s:2); did you mean optimizer.learning_rate?", "train:\n  lr: 1");
        refused("Unknown key lr (%s:1); did you mean optimizer.learning_rate?", "lr: 1");
    }

    @Test
    void everyMistakeIsASentenceWithKeyAndPlace() throws IOException {
        refused("Unknown key stepps (%s:2); did you mean steps?", "name: x\nstepps: 3");
        refused("Unknown key model.learning_rate (%s:2); did you mean optimizer.learning_rate?",
                "model:\n  learning_rate: 1");
        refused("Unknown key model.nHeads (%s:2); did you mean model.n_heads?", "model:\n  nHeads: 1");
        refused("Unknown key model.heads (%s:1); did you mean model.n_heads?", "model: {heads: 1}");
        refused("Unknown key optimiser (%s:1); did you mean optimizer?", "optimiser:\n  betas: []");
        refused("Unknown key zzz (%s:1).", "zzz: 1");
        refused("model.layers is \"six\" (%s:3) and must be a whole number.",
                "name: x\nmodel:\n  layers: six");
        refused("model.layers is \"2.5\" (%s:1) and must be a whole number", "model: {layers: 2.5}");
        refused("model.layers is \"2147483648\" (%s:1) and must be a whole number of at most 2147483647.",
                "model: {layers: 2147483648}");
        refused("model.layers is \"007\" (%s:1) and must be", "model: {layers: 007}");
        refused("model.layers is empty (%s:2) and must be", "model:\n  layers:\n");
        refused("model.layers is a list (%s:1) and must be", "model: {layers: [1]}");
        refused("steps is \"-1e30\" (%s:1) and must be a whole number of at least -9223372036854775808.",
                "steps: -1e30");
        refused("optimizer.learning_rate is \"fast\" (%s:1) and must be a number, above 0.",
                "optimizer: {learning_rate: fast}");
        refused("optimizer.learning_rate is \"1e999\" (%s:1) and must be a number, above 0.",
                "optimizer: {learning_rate: 1e999}");
        refused("dropout is \"1e39\" (%s:1) and must be a number.", "dropout: 1e39");
        refused("optimizer.decoupled_decay is \"yes\" (%s:1) and must be true or false.",
                "optimizer: {decoupled_decay: yes}");
        refused("model.precision is \"fp8\" (%s:1) and must be one of fp32, bf16, half_split.",
                "model: {precision: fp8}");
        refused("optimizer.betas is \"0.9\" (%s:1) and must be a list like [a, b].", "optimizer: {betas: 0.9}");
        refused("optimizer.betas[1] is \"x\" (%s:1) and must be a number.", "optimizer: {betas: [0.9, x]}");
        refused("optimizer.betas[0] is empty (%s:1) and must be a value.", "optimizer: {betas: [~]}");
        refused("model is \"big\" (%s:1) and must be a section with the keys layers, n_heads, precision, kv_heads.",
                "model: big");
        refused("name is a section (%s:1) and must be a text.", "name: {a: b}");
        refused("data is \"\" (%s:1) and must be a path.", "data: ''");
        refused("The key model.layers is given twice, at %s:2 and %s:4.",
                "model:\n  layers: 1\n  n_heads: 4\n  layers: 2");
        refused("The key model is given twice, at %s:1 and %s:3.", "model:\n  layers: 1\nmodel:\n  n_heads: 2");
        refused("optimizer.learning_rate must be above 0, found -1.0 (%s:2).", "optimizer:\n  learning_rate: -1");
        refused("model: heads must be a multiple of key-value heads (%s:1).", "model: {kv_heads: 3}");
        refused("optimizer.betas must not be empty (%s:1).", "optimizer: {betas: []}");
        refused("There are 3 betas and 2 are allowed.", "optimizer: {betas: [1, 2, 3]}");
        refused("name must have a value (%s:1).", "name: null");
        refused("%s:1 begins with a list and must hold keys with values.", "- a\n- b");
        refused("%s:1 begins with \"text\" and must hold", "text");
        refused("%s:3 begins a second document", "name: a\n---\nname: b");
        refused("The value of seed at %s:2 is an alias (*a)", "steps: &a 3\nseed: *a");
        refused("%s:1 is not YAML: expected ',' or '}', but got", "model: {layers: 1");
        refused("%s:2 is not YAML: found character '\\t(TAB)'", "name: a\n\tsteps: 3");
        refused("%s is not YAML: special characters are not allowed.", "name: \u0007");
        refused("Unknown key <<", "<<: {name: a}");
    }

    private void refused(String message, String yaml) throws IOException {
        UserError error = assertThrows(UserError.class, () -> load(yaml), yaml);
        String expected = message.replace("%s", folder.resolve("run.yaml").toString());
        assertTrue(error.getMessage().contains(expected), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.advice().endsWith("."), error.advice());
    }

    @Test
    void overridesAreNamedAsTheyWereTyped() throws IOException {
        refusedOverride("Unknown key model.layer (--set model.layer=3); did you mean model.layers?", "model.layer=3");
        refusedOverride("steps is \"many\" (--set steps=many) and must be", "steps=many");
        refusedOverride("optimizer.learning_rate must be above 0, found 0.0 (--set optimizer.learning_rate=0)",
                "optimizer.learning_rate=0");
        refusedOverride("The override steps has no key and value.", "steps");
        refusedOverride("The override =3 has no key and value.", "=3");
        refusedOverride("model is \"\" (--set model='') and must be a section", "model=''");
        refusedOverride("--set optimizer.betas=[1 is not YAML: expected ',' or ']'", "optimizer.betas=[1");
        refusedOverride("steps is a section (--set steps.x=2)", "steps=1", "steps.x=2");
    }

    @Test
    void otherOptionsAreNamedAsTheyWereTyped() {
        UserError error = assertThrows(UserError.class, () -> Configurations.load(Train.class, DEFAULTS, null,
                List.of(new Setting("--layers", "model.layers", "x"))));
        assertEquals("model.layers is \"x\" (--layers x) and must be a whole number.", error.getMessage());
        error = assertThrows(UserError.class, () -> Configurations.load(Train.class, DEFAULTS, null,
                List.of(new Setting("--rate", "optimizer.learning_rate", "-1"))));
        assertEquals("optimizer.learning_rate must be above 0, found -1.0 (--rate -1).", error.getMessage());
    }

    @Test
    void whatARecordDemandsOfANumberIsToldWithItsType() {
        UserError error = assertThrows(UserError.class, () -> Configurations.load(Warmup.class, new Warmup(1), null,
                List.of(Setting.parse("warmup_steps=x"))));
        assertEquals("warmup_steps is \"x\" (--set warmup_steps=x) and must be a whole number, at least 0.",
                error.getMessage());
    }

    @Test
    void ofTwoOverridesTheLaterWins() throws IOException {
        assertEquals(load(null, "steps=2"), load(null, "steps=1", "steps=2"));
        assertEquals(load(null, "model={layers: 2, n_heads: 3}"),
                load(null, "model={layers: 1, n_heads: 3}", "model.layers=2"));
        assertEquals(load(null, "model={layers: 2, n_heads: 3}"),
                load(null, "model.n_heads=3", "model.layers=1", "model={layers: 2}"));
    }

    private void refusedOverride(String message, String... overrides) {
        UserError error = assertThrows(UserError.class, () -> load(null, overrides));
        assertTrue(error.getMessage().startsWith(message.substring(0, 10)) && error.getMessage().contains(message),
                error.getMessage());
    }

    @Test
    void recordsMayNameAComponentOrItsKey() {
        UserError error = assertThrows(UserError.class, () -> Configurations.load(Warmup.class, null, null,
                List.of(Setting.parse("warmup_steps=-3"))));
        assertEquals("warmup_steps must be at least 0, found -3 (--set warmup_steps=-3).", error.getMessage());
    }

    @Test
    void filesThatCannotBeReadAreNamed() throws IOException {
        assertTrue(assertThrows(UserError.class, () -> Configurations.load(Train.class, DEFAULTS,
                folder.resolve("none.yaml"), List.of())).getMessage().contains("none.yaml"));
        assertThrows(UserError.class, () -> Configurations.load(Train.class, DEFAULTS, folder, List.of()));
        Path latin = Files.write(folder.resolve("latin.yaml"), new byte[] {'n', ':', ' ', (byte) 0xE9});
        assertTrue(assertThrows(UserError.class, () -> Configurations.load(Train.class, DEFAULTS, latin, List.of()))
                .getMessage().contains("not UTF-8"));
    }

    @Test
    void yamlOfTheDefaultsIsAsDocumented() {
        assertEquals("""
                name: quick
                steps: 100
                dropout: 0.1
                data: data/x
                model:
                  layers: 2
                  n_heads: 4
                  precision: fp32
                  kv_heads: null
                optimizer:
                  learning_rate: 3.0e-4
                  betas: [0.9, 0.95]
                  decoupled_decay: true
                seed: null
                """, Configurations.toYaml(DEFAULTS));
    }

    record Holder(String text, List<String> texts, List<Optimizer> records, double number, float small,
            Optional<Model> maybe, Model none) {
    }

    @Test
    void whatIsWrittenReadsBackEqual() throws IOException {
        Random random = new Random(7);
        String[] hard = {"", " ", "null", "~", "true", "No", "1e5", "1_0", "0x1F", "- a", "a: b", "a #b", "#", "'",
            "\"", "\\", "\n", "a\nb\n", "\t", "\u0000\u0007", "\u0085\u2028\u2029\uFEFF", "\ud83d\ude00", "\u00e9",
            "[a]", "{a}", "*a", "&a", "!t", "%x", "@x", "`x", "a,b", "---", "...", "?", "key:", "y", "<<", "=",
            "12:30:45", ".inf", "/a/b.c"};
        for (int round = 0; round < 300; round++) {
            List<String> texts = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                texts.add(hard[random.nextInt(hard.length)]
                        + (random.nextBoolean() ? "" : hard[random.nextInt(hard.length)]));
            }
            Holder holder = new Holder(hard[round % hard.length], texts,
                    List.of(new Optimizer(
                            Double.longBitsToDouble(random.nextLong() & Long.MAX_VALUE >> 2) + Double.MIN_VALUE,
                            List.of(random.nextGaussian()), true)),
                    round == 0 ? Double.NaN : Double.longBitsToDouble(random.nextLong()),
                    Float.intBitsToFloat(random.nextInt()),
                    random.nextBoolean() ? Optional.empty() : Optional.of(DEFAULTS.model()), null);
            String yaml = Configurations.toYaml(holder);
            Path file = Files.writeString(folder.resolve("h.yaml"), yaml);
            for (Holder defaults : new Holder[] {null,
                    new Holder("d", null, List.of(), 1, 2, Optional.of(DEFAULTS.model()), DEFAULTS.model())}) {
                Holder read = Configurations.load(Holder.class, defaults, file, List.of());
                assertEquals(holder, read, yaml);
                assertEquals(yaml, Configurations.toYaml(read));
            }
        }
    }

    record Ordered(int first, double second) {
    }

    record Reordered(double second, int first) {
    }

    @Test
    void hashesFollowKeysAndValuesOnly() throws IOException {
        assertEquals(Configurations.hash(DEFAULTS), Configurations.hash(load("steps: 1e2")));
        assertNotEquals(Configurations.hash(DEFAULTS), Configurations.hash(load("steps: 101")));
        assertEquals(Configurations.hash(new Ordered(1, 2)), Configurations.hash(new Reordered(2, 1)));
        assertNotEquals(Configurations.hash(new Ordered(1, 0.0)), Configurations.hash(new Ordered(1, -0.0)));
        assertEquals(64, Configurations.hash(DEFAULTS).length());
    }

    record Unsupported(int[] values) {
    }

    @Test
    void unsupportedTypesAreTheProgrammersError() {
        assertThrows(IllegalArgumentException.class, () -> Configurations.load(Unsupported.class,
                new Unsupported(new int[0]), null, List.of(Setting.parse("values=[1]"))));
    }

    @Test
    void keysAreSnakeCase() {
        assertEquals("learning_rate", Keys.snakeCase("learningRate"));
        assertEquals("url_path", Keys.snakeCase("URLPath"));
        assertEquals("beta1_power", Keys.snakeCase("beta1Power"));
        assertEquals(List.of("first", "second"), Keys.all(Ordered.class));
        assertEquals(Optional.of("second"), Keys.nearest("scond", Keys.all(Ordered.class)));
        assertEquals(Optional.empty(), Keys.nearest("third", Keys.all(Ordered.class)));
    }
}
