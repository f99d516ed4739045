package org.airelab.doctor;

/** Looks for one thing. */
@FunctionalInterface
interface Check {
    /** Says what is there. Never throws for what a machine may lack. */
    Finding examine(Machine machine);
}
