/**
 * Speed reports: what was measured where, as JSON, Markdown and a page of HTML with its pictures inside. May use
 * {@code base}, {@code tracking} and {@code kernels.cuda}'s readings of GPUs.
 */
package org.airelab.benchmarks.report;
