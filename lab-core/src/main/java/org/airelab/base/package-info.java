/**
 * What every other package may use: errors as the user reads them, progress on long work, files that are
 * written whole or not at all, and content hashes. Uses nothing of the lab.
 */
package org.airelab.base;
