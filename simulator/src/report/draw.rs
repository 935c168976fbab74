//! Charts as the inside of an SVG element.

use super::{Chart, MAX_POINTS, Plot, Series};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::ops::Range;

/// The inside of an SVG element and its size in the element's own units.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) body: String,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Failure = DrawingAreaErrorKind<std::io::Error>;

/// Units to a pixel of a picture shown at its natural size. The library rounds to whole units, which at one
/// unit a pixel would draw stairs.
const SCALE: u32 = 4;
/// The natural width of a picture, in pixels: that of a phone.
const WIDTH: u32 = 400;
/// The natural height, in pixels.
const HEIGHT: u32 = 260;
/// Most bars of a histogram.
const MAX_BARS: usize = 40;
/// Numbers beyond this, either way, are not drawn: the library steps through an axis by adding to a float.
const LARGEST: f64 = 1e15;
/// The shortest axis, as a share of the largest number on it, for the same reason.
const SHORTEST: f64 = 1e-9;
/// What the largest number on an axis is taken for at least.
const SMALLEST: f64 = 1e-3;
/// Room left above the highest value, as a share of it.
const HEADROOM: f64 = 0.04;

const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);
/// The colours of series, in order, from Okabe and Ito; yellow is left out, being too pale for a line.
const SERIES: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0xE6, 0x9F, 0x00),
    INK,
];

/// The colours of series one after the other, from the start again when they run out.
pub(super) fn colours() -> impl Iterator<Item = RGBColor> {
    SERIES.into_iter().cycle()
}

/// A colour as CSS writes it.
pub(super) fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Draws a chart; `None` when it has no data.
pub(super) fn picture(chart: &Chart) -> Result<Option<Picture>, Failure> {
    let bars = match &chart.plot {
        Plot::Histogram(values) => bars(values),
        _ => Vec::new(),
    };
    let series: Vec<Vec<(f64, f64)>> = match &chart.plot {
        Plot::Lines(series) => series.iter().map(drawn).map(thinned).collect(),
        Plot::Histogram(_) => Vec::new(),
    };
    let (width, height) = (WIDTH * SCALE, HEIGHT * SCALE);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
    if !bars.is_empty() {
        draw_bars(&area, chart, &bars)?;
    } else if series.iter().any(|points| !points.is_empty()) {
        draw_lines(&area, chart, series)?;
    } else {
        return Ok(None);
    }
    area.present()?;
    drop(area);
    Ok(Some(Picture { width, height, body: inside(&svg).to_owned() }))
}

/// What is between the first tag of a document and the last: the element around it is the page's own.
fn inside(svg: &str) -> &str {
    let (_, rest) = svg.split_once('>').unwrap_or_default();
    rest.rsplit_once("</").map_or(rest, |(body, _)| body)
}

fn is_drawn(value: f64) -> bool {
    value.abs() <= LARGEST
}

fn drawn(series: &Series) -> Vec<(f64, f64)> {
    series.points.iter().copied().filter(|(x, y)| is_drawn(*x) && is_drawn(*y)).collect()
}

/// At most [`MAX_POINTS`] of the points: the lowest and the highest of each run of neighbours, so that no
/// peak is lost.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points;
    }
    let run = points.len().div_ceil(MAX_POINTS / 2);
    let extremes = points.chunks(run).flat_map(|run| {
        let by_y = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (low, high) = (run.iter().min_by(by_y), run.iter().max_by(by_y));
        let mut both: Vec<(f64, f64)> = low.into_iter().chain(high).copied().collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        both
    });
    extremes.collect()
}

/// From the smallest to the largest of the values and of 0 where `origin` is set; never too short to draw.
fn range(values: impl Iterator<Item = f64>, origin: bool) -> Range<f64> {
    let start = if origin { 0.0..0.0 } else { f64::INFINITY..f64::NEG_INFINITY };
    let Range { start, end } =
        values.fold(start, |range, value| range.start.min(value)..range.end.max(value));
    let largest = start.abs().max(end.abs()).max(SMALLEST);
    if end - start > largest * SHORTEST { start..end } else { start..start + largest.max(1.0) }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size * SCALE, &INK).into_text_style(&SIZELESS)
}

/// The library wants to know a parent's size for fonts given as a share of it; ours are absolute.
const SIZELESS: (u32, u32) = (WIDTH, HEIGHT);

fn plane<'a, 'b>(
    area: &'a Area<'b>,
    chart: &Chart,
    x: Range<f64>,
    y: Range<f64>,
) -> Result<Plane<'a, 'b>, Failure> {
    let mut plane = ChartBuilder::on(area)
        .margin(6 * SCALE)
        .margin_right(16 * SCALE)
        .x_label_area_size(40 * SCALE)
        .y_label_area_size(68 * SCALE)
        .build_cartesian_2d(x, y)?;
    let mut mesh = plane.configure_mesh();
    for side in [LabelAreaPosition::Left, LabelAreaPosition::Bottom] {
        mesh.set_tick_mark_size(side, 4 * SCALE);
    }
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(SCALE))
        .axis_style(INK.stroke_width(SCALE))
        .label_style(text(15))
        .axis_desc_style(text(15))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|x| tick(*x))
        .y_label_formatter(&|y| tick(*y))
        .x_desc(&chart.x)
        .y_desc(&chart.y)
        .draw()?;
    Ok(plane)
}

/// A number short enough for an axis: thousands and millions by letter, no trailing zeros.
fn tick(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = format!("{scaled:.3}");
    let short = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{}{suffix}", if short == "-0" { "0" } else { short })
}

fn draw_lines(area: &Area<'_>, chart: &Chart, series: Vec<Vec<(f64, f64)>>) -> Result<(), Failure> {
    let x = range(series.iter().flatten().map(|point| point.0), false);
    let y = range(series.iter().flatten().map(|point| point.1 * (1.0 + HEADROOM)), true);
    let mut plane = plane(area, chart, x, y)?;
    for (points, colour) in series.into_iter().zip(colours()) {
        let style = colour.stroke_width(2 * SCALE);
        plane.draw_series(LineSeries::new(points, style))?;
    }
    Ok(())
}

/// The bars of a histogram as (from, to, count), of equal width.
fn bars(values: &[f64]) -> Vec<(f64, f64, usize)> {
    let values: Vec<f64> = values.iter().copied().filter(|value| is_drawn(*value)).collect();
    if values.is_empty() {
        return Vec::new();
    }
    let Range { start, end } = range(values.iter().copied(), false);
    // Twice the cube root of the sample (Rice's rule).
    let count = ((values.len() as f64).cbrt() * 2.0).ceil().clamp(1.0, MAX_BARS as f64) as usize;
    let width = (end - start) / count as f64;
    let mut counts = vec![0; count];
    for value in values {
        counts[(((value - start) / width) as usize).min(count - 1)] += 1;
    }
    let edge = |bar: usize| start + width * bar as f64;
    counts.into_iter().enumerate().map(|(bar, count)| (edge(bar), edge(bar + 1), count)).collect()
}

fn draw_bars(area: &Area<'_>, chart: &Chart, bars: &[(f64, f64, usize)]) -> Result<(), Failure> {
    let x = range(bars.iter().flat_map(|bar| [bar.0, bar.1]), true);
    let y = range(bars.iter().map(|bar| bar.2 as f64 * (1.0 + HEADROOM)), true);
    let mut plane = plane(area, chart, x, y)?;
    let [fill, ..] = SERIES;
    plane.draw_series(bars.iter().map(|(from, to, count)| {
        let mut bar = Rectangle::new([(*from, 0.0), (*to, *count as f64)], fill.filled());
        bar.set_margin(0, 0, SCALE / 2, SCALE / 2);
        bar
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_peaks_and_the_order() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|x| (f64::from(x), 1.0)).collect();
        points[54_321].1 = 9.0;
        points[54_322].1 = -9.0;
        let thin = thinned(points);
        assert!(thin.len() <= MAX_POINTS && thin.is_sorted_by(|a, b| a.0 <= b.0));
        assert!(thin.contains(&(54_321.0, 9.0)) && thin.contains(&(54_322.0, -9.0)));
    }

    #[test]
    fn bars_hold_every_finite_value_once() {
        let held = |values: &[f64]| bars(values).iter().map(|bar| bar.2).sum::<usize>();
        assert_eq!(held(&[1.0, 2.0, 2.0, 7.5, f64::NAN, f64::INFINITY]), 4);
        assert_eq!(held(&[3.0; 10]), 10);
        assert_eq!(held(&[]), 0);
    }

    #[test]
    fn ticks_are_short() {
        let ticks = [0.0, -0.000_01, 0.25, 25_000.0, 250_000.0, 2_500_000.0, -3e9].map(tick);
        assert_eq!(ticks, ["0", "0", "0.25", "25000", "250k", "2.5M", "-3G"]);
    }
}
