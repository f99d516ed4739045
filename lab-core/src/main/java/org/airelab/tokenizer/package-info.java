/**
 * Text to token ids and back: byte-level byte-pair encoding (BPE) as GPT-2 has it, its training, and the files
 * other tools read and write. {@link org.airelab.tokenizer.Tokenizer} is what other packages use,
 * {@link org.airelab.tokenizer.BpeTrainer} makes one from text.
 *
 * <p>The way of a text: it is cut at special tokens; what lies between is cut into pieces (words, numbers, runs
 * of punctuation or white space) by GPT-2's pattern; within each piece adjacent tokens are merged, the merge
 * learned first before all others. Everything works on UTF-8 bytes, so that every text, and every byte sequence
 * that is no text, has an encoding.
 *
 * <p>Sources: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units",
 * section 3.2 (BPE); Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2
 * (bytes as the base vocabulary, and pieces that no merge crosses).
 *
 * <p>Uses {@code org.airelab.base}, {@code org.airelab.cli} (for the command), Jackson and picocli.
 */
package org.airelab.tokenizer;
