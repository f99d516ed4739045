package org.airelab.distributed.pretrain;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.airelab.base.AtomicFiles;
import org.airelab.generate.Generator;
import org.airelab.generate.Sampler;
import org.airelab.generate.TextStream;
import org.airelab.model.InferenceModel;
import org.airelab.model.SavedModel;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.ScalarType;

/** A text by the model a run has trained: what numbers do not show. */
final class SampleText {
    private static final int MOST_TOKENS = 200;
    private static final Sampler SAMPLER = new Sampler(0.8, 0, 0.95);

    private SampleText() {
    }

    /** A new document drawn from the run's newest checkpoint; the same run and seed write the same text. */
    static String write(Path run, Path file, Device device, long seed, Consumer<String> warn) throws IOException {
        StringBuilder text = new StringBuilder();
        try (InferenceModel model = new InferenceModel(SavedModel.open(run, SavedModel.LATEST, warn), device,
                ScalarType.FLOAT32); TextStream stream = new TextStream(model.tokenizer(), text::append)) {
            int start = model.tokenizer().specialId(Tokenizer.END_OF_TEXT).orElse(0);
            new Generator(model).generate(new int[] {start}, MOST_TOKENS, SAMPLER, new SplittableRandom(seed),
                    stream::accept);
        }
        AtomicFiles.writeString(file, text.toString().strip() + "\n");
        return text.toString().strip();
    }
}
