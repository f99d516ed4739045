/** What groups whose arrays lie on GPUs have in common: their callers' streams, events and memory. */
package org.airelab.distributed.group.gpu;
