/** How fast data comes. Uses {@code org.airelab.data}. */
package org.airelab.benchmarks.data;
