package org.airelab.benchmarks.report;
public final class HtmlReport { private final Report report; public HtmlReport(Report r){report=r;} public String text(){return "";} }
