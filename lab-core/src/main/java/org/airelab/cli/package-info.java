/**
 * The command line {@code lab}: finds the commands of whichever modules are on the class path, runs one, and
 * turns what goes wrong into two lines and an exit code. Knows no command but its own {@code completion}; may
 * use {@code org.airelab.base} alone.
 */
package org.airelab.cli;
