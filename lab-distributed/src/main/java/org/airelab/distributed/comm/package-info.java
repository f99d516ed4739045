/**
 * {@code lab comm-bench}: whether the collectives of a back end are right, and how fast they are. The tests of the back
 * ends use the same checks.
 */
package org.airelab.distributed.comm;
