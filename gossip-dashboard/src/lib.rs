//! One page that shows a gossip cluster: live from an agent, or as the player of a recording.
//!
//! The page is a single document of HTML with its style, its program and, as a report, its data. It loads nothing from
//! anywhere. Its policy, [`policy`], allows this style and this program by their hashes and nothing else: names of members
//! come from the network, and whatever stands in them stays text.
//!
//! Served by an agent, [`page`] follows the stream `/v1/feed` of its own origin. Opened from a file it waits for a
//! recording; [`report`] gives it one to begin with.
//!
//! ```
//! let recording = concat!(
//!     r#"{"gossip":1,"source":"example","scenario":"two members","end":2000}"#, "\n",
//!     r#"{"place":["eu","a","r1"],"n":2,"names":["ada","bob"]}"#, "\n",
//!     r#"[500,"suspected",1,0]"#, "\n",
//! );
//! let html = gossip_dashboard::report(recording);
//! assert!(html.contains("bob"));
//! ```
//!
//! # Recordings
//!
//! A recording is lines of JSON: a head, places with their members, then events and figures in the order of time.
//! `simulator run --record` writes them, agents tell them at `/v1/feed`, and `docs/src/recording.md` defines them, version 1.
//! What the page keeps of a stream is bounded: the last 10 minutes, and 50,000 events. It shows at most 200,000 members.

#![forbid(unsafe_code)]

mod bundle;
mod policy;

use std::sync::LazyLock;

const HTML: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/page.css");
/// What a report has in place of a recording that is not there.
const DATA: &str = "{data}";

static PARTS: LazyLock<Parts> = LazyLock::new(Parts::new);

/// The page, cut where a report has its data.
struct Parts {
    before: String,
    after: String,
    page: String,
    header: String,
}

impl Parts {
    fn new() -> Self {
        let script = bundle::joined();
        let policy = policy::Policy::new(STYLE, &script);
        // Each value is put in once, and never looked into for another.
        let (head, rest) = cut(HTML, "{policy}");
        let (style, rest) = cut(rest, "{style}");
        let (body, rest) = cut(rest, DATA);
        let (tag, foot) = cut(rest, "{script}");
        let before = [head, policy.meta(), style, STYLE, body].concat();
        let after = [tag, &script, foot].concat();
        Self { page: [&*before, &after].concat(), header: policy.header(), before, after }
    }
}

fn cut<'a>(text: &'a str, at: &str) -> (&'a str, &'a str) {
    text.split_once(at).unwrap_or((text, ""))
}

/// The page without data: served by an agent it shows what the agent tells, otherwise it opens recordings.
pub fn page() -> &'static str {
    &PARTS.page
}

/// The page with a recording in it, which it plays. The recording may be anything; what is no recording is shown as an
/// error, with the line that is wrong.
pub fn report(recording: &str) -> String {
    // Within JSON a `<` stands in strings alone, so that its escape means the same; no tag can begin in the data.
    let data = recording.replace('<', "\\u003c");
    let open = "<script type=\"application/x-ndjson\" id=\"data\">";
    [&PARTS.before, open, &data, "</script>\n", &PARTS.after].concat()
}

/// The value of the header `Content-Security-Policy` for [`page`]. The page has the same in itself, without what only a
/// header can say: that no other page may show it in a frame.
pub fn policy() -> &'static str {
    &PARTS.header
}
