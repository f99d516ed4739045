/**
 * What every other package may use: errors as the user reads them, progress on long work, what is done when the process
 * is ended, files that are written whole or not at all, content hashes, JSON and NumPy arrays, and guesses at mistyped
 * words. Uses Jackson and nothing of the lab.
 */
package org.airelab.base;
