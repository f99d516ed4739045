/**
 * {@code lab doctor}: what this machine has, what each thing enables, and what to install for what is missing.
 * Every check looks at the machine through {@link org.airelab.doctor.Machine}, starts nothing that takes long,
 * and loads libtorch only when asked to. May use {@code org.airelab.base} and {@code org.airelab.cli}.
 */
package org.airelab.doctor;
