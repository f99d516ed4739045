package org.airelab.tracking;

import java.awt.Graphics2D;
import java.awt.geom.Rectangle2D;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import org.jfree.chart.axis.AxisState;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberTick;
import org.jfree.chart.axis.ValueTick;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.chart.ui.TextAnchor;

/** A vertical logarithmic axis with ticks at round numbers, however short its range: 1.5, 2, 3, 4, 6. */
final class RoundLogAxis extends LogAxis {
    private static final long serialVersionUID = 1L;
    /** Ladders of round numbers in a decade, from dense to sparse. */
    private static final double[][] LADDERS = {
        {1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.2, 3.4, 3.6, 3.8, 4, 4.5, 5, 5.5,
            6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5},
        {1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9}, {1, 1.5, 2, 3, 4, 5, 6, 8}, {1, 2, 5}, {1}};
    private static final int MOST_TICKS = 12;

    RoundLogAxis(String label) {
        super(label);
    }

    @Override
    public List<ValueTick> refreshTicks(Graphics2D graphics, AxisState state, Rectangle2D area, RectangleEdge edge) {
        List<ValueTick> ticks = new ArrayList<>();
        for (double value : roundValues(getRange().getLowerBound(), getRange().getUpperBound())) {
            ticks.add(new NumberTick(value, format(value), TextAnchor.CENTER_RIGHT, TextAnchor.CENTER_RIGHT, 0));
        }
        return ticks;
    }

    /** The round numbers in a range, of the densest ladder that does not crowd it. */
    static List<Double> roundValues(double least, double greatest) {
        List<Double> values = List.of();
        for (double[] ladder : LADDERS) {
            values = new ArrayList<>();
            for (int decade = (int) Math.floor(Math.log10(least)); Math.pow(10, decade) <= greatest; decade++) {
                for (double step : ladder) {
                    double value = step * Math.pow(10, decade);
                    if (value >= least && value <= greatest) {
                        values.add(value);
                    }
                }
            }
            if (values.size() <= MOST_TICKS) {
                break;
            }
        }
        return values;
    }

    private static String format(double value) {
        return new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros().toPlainString();
    }
}
