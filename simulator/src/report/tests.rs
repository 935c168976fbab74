use super::*;

fn chart(title: &str, plot: Plot) -> Chart {
    Chart {
        title: title.into(),
        caption: "how <to> read & it".into(),
        x: "time (s)".into(),
        y: "nodes \"alive\" <&> 'well'".into(),
        plot,
    }
}

fn series(name: &str, points: &[(f64, f64)]) -> Series {
    Series { name: name.into(), points: points.to_vec() }
}

/// One of every kind of chart, empty and degenerate ones included.
fn full() -> Report {
    let rising: Vec<(f64, f64)> = (0..100).map(|x| (f64::from(x), f64::from(x * x))).collect();
    let several = (0..9).map(|i| series(&format!("line <{i}>"), &rising)).collect();
    Report {
        title: "spread <script>alert(1)</script> & co".into(),
        facts: vec![("seed".into(), "1 < 2".into()), ("\"digest\"".into(), "</dd>".into())],
        charts: vec![
            chart("lines", Plot::Lines(several)),
            chart("two points", Plot::Lines(vec![series("one", &[(0.0, 0.0), (1.0, 1.0)])])),
            chart("a point", Plot::Lines(vec![series("one", &[(5.0, 5.0)])])),
            chart("odd", Plot::Lines(vec![series("odd", &[(f64::NAN, 1.0), (0.0, f64::INFINITY)])])),
            chart("no lines", Plot::Lines(Vec::new())),
            chart("latency", Plot::Histogram(vec![1.0, 2.0, 2.5, 9.0])),
            chart("no values", Plot::Histogram(Vec::new())),
        ],
    }
}

/// The document's body as XML; everything in it is closed, as XML wants.
fn body(html: &str) -> &str {
    let start = html.find("<body>").unwrap();
    &html[start..html.find("</html>").unwrap()]
}

#[test]
fn every_chart_is_drawn_and_the_page_is_well_formed() {
    let html = full().to_html().unwrap();
    let page = roxmltree::Document::parse(body(&html)).unwrap();
    let count = |name: &str| page.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("figure"), count("svg")), (4, 4));
    assert!(html.contains("Nothing to show: odd, no lines, no values."));
    assert_eq!(count("li"), 9, "a legend where there is more than one line");
    assert!(count("polyline") >= 10, "one for each line");
    assert!(html.starts_with("<!DOCTYPE html>"));
}

#[test]
fn text_is_shown_as_it_was_given_and_never_becomes_markup() {
    let report = full();
    let html = report.to_html().unwrap();
    let page = roxmltree::Document::parse(body(&html)).unwrap();
    let texts = |name: &str| -> Vec<String> {
        let named = page.descendants().filter(|node| node.has_tag_name(name));
        named.filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect()
    };
    assert_eq!(texts("h1"), [report.title.as_str()]);
    assert_eq!(texts("dd"), ["1 < 2", "</dd>"]);
    assert!(texts("text").contains(&report.charts[0].y));
    assert_eq!(texts("script"), [""; 0]);
}

#[test]
fn a_report_refers_to_nothing_outside_itself() {
    let html = full().to_html().unwrap();
    for outward in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<script"] {
        assert!(!html.contains(outward), "{outward}");
    }
}

#[test]
fn one_report_is_one_sequence_of_bytes() {
    assert_eq!(full().to_html(), full().to_html());
}

#[test]
fn numbers_of_any_size_are_drawn_or_left_out() {
    let sizes = [0.0, f64::MIN_POSITIVE / 2.0, 1e-12, 1.0, 1e15, 1e16, f64::MAX, f64::INFINITY, f64::NAN];
    let numbers: Vec<f64> = sizes.into_iter().flat_map(|size| [size, -size, size + 1e-9]).collect();
    for x in &numbers {
        for y in &numbers {
            let plots =
                [Plot::Histogram(vec![*x, *y]), Plot::Lines(vec![series("s", &[(*x, *y), (*y, *x)])])];
            let charts = plots.into_iter().map(|plot| chart("extreme", plot)).collect();
            let html = Report { charts, ..Report::default() }.to_html().unwrap();
            assert!(!html.contains("NaN") && !html.contains("inf"), "{x} {y}");
        }
    }
}
