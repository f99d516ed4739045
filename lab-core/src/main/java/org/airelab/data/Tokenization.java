package org.airelab.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.data.source.Documents;
import org.airelab.tokenizer.Tokenizer;

/** Documents into token shards, on all processors; the shards do not depend on how many. */
final class Tokenization implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final int endOfText;
    private final Output train;
    private final Output validation;
    private long removed;

    Tokenization(Tokenizer tokenizer, Path folder, long shardTokens) {
        this.tokenizer = tokenizer;
        endOfText = tokenizer.specialId(Tokenizer.END_OF_TEXT).orElseThrow();
        TokenType type = TokenType.of(tokenizer.vocabularySize());
        train = new Output(new ShardWriter(folder, Split.TRAIN, type, shardTokens));
        validation = new Output(new ShardWriter(folder, Split.VALIDATION, type, shardTokens));
    }

    /** One split on its way to the disk. */
    private static final class Output {
        private final ShardWriter writer;
        private long documents;
        private long bytes;
        private double surprisal;

        private Output(ShardWriter writer) {
            this.writer = writer;
        }

        private void add(Encoded encoded) {
            writer.write(encoded.ids, encoded.count);
            documents += encoded.documents;
            bytes += encoded.bytes;
            surprisal += encoded.surprisal;
        }

        private DatasetManifest.SplitManifest finish() {
            return new DatasetManifest.SplitManifest(writer.tokens(), documents, bytes, writer.finish());
        }
    }

    /** What a batch of documents adds to a split. */
    private static final class Encoded {
        private int[] ids = new int[1 << 16];
        private int count;
        private long documents;
        private long bytes;
        private double surprisal;

        private void add(int[] document, int endOfText) {
            if (ids.length - count <= document.length) {
                ids = Arrays.copyOf(ids, Math.max(ids.length * 2, count + document.length + 1));
            }
            System.arraycopy(document, 0, ids, count, document.length);
            count += document.length;
            ids[count++] = endOfText;
            documents++;
        }
    }

    /** A batch's documents, split. */
    private record Batch(Encoded train, Encoded validation, long removed) {
    }

    /** Writes the documents of the training source where the plan says. */
    void addTraining(Documents documents, SplitPlan plan) throws IOException {
        add(documents, Optional.of(plan));
    }

    /** Writes the documents of a validation source. */
    void addValidation(Documents documents) throws IOException {
        add(documents, Optional.empty());
    }

    private void add(Documents documents, Optional<SplitPlan> plan) throws IOException {
        ToDoubleFunction<String> surprisal = documents.grammar()
                .<ToDoubleFunction<String>>map(grammar -> story -> -grammar.logProbability(story))
                .orElse(document -> 0);
        try (Stream<String> stream = documents.stream();
                Progress progress = Progress.on("tokenizing", documents.bytes(), "bytes")) {
            OrderedPipeline.run(stream.iterator(), batch -> encode(batch, plan, surprisal), batch -> {
                train.add(batch.train);
                validation.add(batch.validation);
                removed += batch.removed;
                progress.update(train.bytes + validation.bytes);
            });
        }
    }

    private Batch encode(List<String> documents, Optional<SplitPlan> plan, ToDoubleFunction<String> surprisal) {
        var batch = new Batch(new Encoded(), new Encoded(), 0);
        long left = 0;
        for (String document : documents) {
            byte[] utf8 = document.getBytes(StandardCharsets.UTF_8);
            Optional<Split> split = plan.isEmpty() ? Optional.of(Split.VALIDATION)
                    : plan.get().split(Fingerprint.of(utf8));
            if (split.isEmpty()) {
                left++;
                continue;
            }
            Encoded part = split.get() == Split.TRAIN ? batch.train : batch.validation;
            part.add(tokenizer.encode(utf8), endOfText);
            part.bytes += utf8.length;
            if (split.get() == Split.VALIDATION) {
                part.surprisal += surprisal.applyAsDouble(document);
            }
        }
        return new Batch(batch.train, batch.validation, left);
    }

    /** Completes the shards of a split. */
    DatasetManifest.SplitManifest finish(Split split) {
        return (split == Split.TRAIN ? train : validation).finish();
    }

    /** Documents of the training source that were left out. */
    long removed() {
        return removed;
    }

    /** The surprisal of the validation documents together, in nats; 0 where no distribution is known. */
    double surprisal() {
        return validation.surprisal;
    }

    @Override
    public void close() throws IOException {
        train.writer.close();
        validation.writer.close();
    }
}
