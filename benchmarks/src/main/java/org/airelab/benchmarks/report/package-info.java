/**
 * Speed reports: what was measured where, as JSON, Markdown and a page of HTML with its pictures inside. May use
 * {@code base} and {@code tracking}.
 */
package org.airelab.benchmarks.report;
