/**
 * Where documents come from: text files, a download, a grammar. Uses {@code base} and {@code data.story}.
 */
package org.airelab.data.source;
