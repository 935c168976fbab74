//! An epidemic as one HTML file: figures and pictures, readable without a network and on a phone.
//!
//! The input is plain data, so that whatever measures can fill it. The colours are Okabe and Ito's, which
//! people with any colour vision tell apart (*Color Universal Design*, 2008).

mod draw;

use draw::Picture;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What was run, for the heading.
    pub title: String,
    /// Figures, each with its name, in the order in which they are shown.
    pub facts: Vec<(String, String)>,
    /// Pictures, in the order in which they are shown.
    pub charts: Vec<Chart>,
}

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it; may be empty.
    pub caption: String,
    /// What runs to the right, with its unit.
    pub x: String,
    /// What runs upwards, with its unit.
    pub y: String,
    /// The data.
    pub plot: Plot,
}

/// The data of a picture. Numbers that are not finite, or beyond 10¹⁵, are left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// Quantities over another, as straight lines from point to point.
    Lines(Vec<Series>),
    /// How often values occur.
    Histogram(Vec<f64>),
}

/// One line of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it shows, for the legend.
    pub name: String,
    /// Its points as (x, y), with x ascending. Of more than [`MAX_POINTS`] the extremes are drawn.
    pub points: Vec<(f64, f64)>,
}

/// Most points drawn of one series: more than a screen has pixels.
pub const MAX_POINTS: usize = 2_000;

/// Why a report could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot draw {chart:?}: {reason}")]
pub struct ReportError {
    chart: String,
    reason: String,
}

impl Report {
    /// The report as one HTML document that refers to nothing outside itself.
    ///
    /// # Errors
    /// [`ReportError`] when a chart cannot be drawn.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let (mut figures, mut empty) = (Vec::new(), Vec::new());
        for chart in &self.charts {
            match chart.to_html()? {
                Some(figure) => figures.push(figure),
                None => empty.push(chart.title.as_str()),
            }
        }
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(include_str!("report/style.css"))) }
                }
                body {
                    h1 { (self.title) }
                    dl {
                        @for (name, value) in &self.facts {
                            div { dt { (name) } dd { (value) } }
                        }
                    }
                    main { @for figure in &figures { (figure) } }
                    @if !empty.is_empty() { p { "Nothing to show: " (empty.join(", ")) "." } }
                }
            }
        };
        Ok(page.into_string())
    }
}

impl Chart {
    /// The chart as a figure; `None` when it has no data.
    fn to_html(&self) -> Result<Option<Markup>, ReportError> {
        let picture = draw::picture(self)
            .map_err(|error| ReportError { chart: self.title.clone(), reason: error.to_string() })?;
        Ok(picture.map(|Picture { width, height, body }| {
            html! {
                figure {
                    h2 { (self.title) }
                    svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(self.title) {
                        (PreEscaped(body))
                    }
                    (self.legend())
                    @if !self.caption.is_empty() { figcaption { (self.caption) } }
                }
            }
        }))
    }

    fn legend(&self) -> Markup {
        let series = match &self.plot {
            Plot::Lines(series) => series.as_slice(),
            Plot::Histogram(_) => &[],
        };
        html! {
            @if series.len() > 1 {
                ul {
                    @for (series, colour) in series.iter().zip(draw::colours()) {
                        li { span style={ "background:" (draw::css(colour)) } {} (series.name) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
