package org.airelab.data;

import java.nio.file.Path;

/**
 * A complete folder of token shards.
 *
 * @param folder        what {@link TokenDataset#open} takes
 * @param tokenizerJson the tokenizer, in the folder
 * @param manifest      what the folder holds
 */
public record PreparedData(Path folder, Path tokenizerJson, DatasetManifest manifest) {
    /** The tokenizer's name in the folder. */
    static final String TOKENIZER_FILE = "tokenizer.json";

    /**
     * A folder that was prepared before.
     *
     * @throws org.airelab.base.UserError if it is not complete, naming the file that is missing or damaged
     */
    public static PreparedData open(Path folder) throws java.io.IOException {
        for (Split split : Split.values()) {
            TokenDataset.open(folder, split).close();
        }
        return new PreparedData(folder, folder.resolve(TOKENIZER_FILE), DatasetManifest.read(folder));
    }
}
