package org.airelab.benchmarks.report;

/** Pages of HTML that need nothing beside themselves: no scripts, no fonts, no other files. */
public final class Html {
    private static final String STYLE = """
            :root { --ink: #1c2733; --soft: #5b6875; --line: #d9dfe5; --ours: #2f6db5; --theirs: #a3adb8;
              --good: #1f8a4c; --bad: #c0392b; }
            * { box-sizing: border-box; }
            body { margin: 0 auto; padding: 1rem; max-width: 70rem; color: var(--ink); background: #fff;
              font: 16px/1.45 system-ui, sans-serif; overflow-wrap: break-word; }
            h1 { font-size: 1.5rem; margin: .2rem 0 .6rem; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; }
            p, li { max-width: 50rem; } ul { padding-left: 1.3rem; }
            ol { columns: 13rem; column-gap: 2.2rem; padding-left: 1.8rem; overflow-wrap: anywhere; }
            .facts, ol, figcaption { color: var(--soft); font-size: .85rem; }
            figure { margin: 0; break-inside: avoid; } figcaption { font-weight: 600; margin-bottom: .2rem; }
            svg { display: block; width: 100%; max-width: 32rem; height: auto; font: 11px system-ui, sans-serif; }
            svg text { paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-linejoin: round; }
            .overview { display: grid; gap: 0 3rem; align-items: start;
              grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
            .charts { display: grid; gap: 1.4rem 2rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem,
                    100%), 1fr)); }
            table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
            th, td { padding: .25rem .4rem; text-align: right; vertical-align: top;
              border-bottom: 1px solid var(--line); }
            th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid var(--ink); }
            tr.group th { text-align: left; padding-top: .8rem; } small { display: block; color: var(--soft); }
            .good { color: var(--good); } .bad { color: var(--bad); }
            @media (max-width: 30rem) { body { padding: .6rem; font-size: 15px; }
              table { font-size: .68rem; letter-spacing: -.01em; } th, td { padding: .2rem .12rem; } }
            @media print { body { max-width: none; font-size: 10pt; padding: 0; } svg { max-width: 11cm; }
              .overview { display: block; } .charts { grid-template-columns: 1fr 1fr; }
              thead { display: table-header-group; } tr { break-inside: avoid; } h2 { break-after: avoid; } }
            """;

    private Html() {
    }

    /** A page; the title is text, the body HTML. */
    public static String page(String title, String body) {
        return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + escape(title)
                + "</title>\n<style>\n" + STYLE + "</style>\n</head>\n<body>\n<h1>" + escape(title) + "</h1>\n" + body
                + "</body>\n</html>\n";
    }

    /** Text as it stands in HTML, attributes included. */
    public static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    /** An element whose content is text. */
    public static String element(String tag, String text) {
        return "<" + tag + ">" + escape(text) + "</" + tag.split(" ")[0] + ">";
    }
}
