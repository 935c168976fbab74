//! `gossip check-config`: what a node would run with, and where each value comes from.

use super::{Configuration, Setting, environment, path};
use crate::{
    UNWRITABLE,
    cli::CheckArgs,
    output::last_words,
    print::{self, quoted, without_keys},
    wrong::Wrong,
};
use anyhow::{Context as _, Error, Result};
use clap::{ArgMatches, FromArgMatches as _};
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::{self, Write as _};

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether a node can be started like this.
    ok: bool,
    /// If not: why, a line for each thing that is wrong.
    error: Option<String>,
    /// What is not as it should be, and yet no hindrance.
    warnings: Vec<String>,
    settings: Vec<Row>,
}

/// A value, or that there is none.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    flag: String,
    variable: String,
    value: Option<String>,
    /// `flag`, `environment`, `file` with the line, or `default`.
    from: Option<String>,
}

/// Prints what a node would run with.
///
/// # Errors
/// None would run like this: what is wrong, with its place.
pub(crate) fn execute(flags: &ArgMatches) -> Result<()> {
    let args = CheckArgs::from_arg_matches(flags)?;
    let path = path(flags, "file", &environment);
    let checked = Configuration::of(flags, path, &environment).and_then(|configuration| {
        let warnings = configuration.check()?;
        Ok((configuration, warnings))
    });
    match checked {
        Ok((configuration, warnings)) => {
            if !args.as_json {
                warnings.iter().for_each(|warning| last_words(format_args!("warning: {warning}")));
            }
            let settings = configuration.settings.iter().flat_map(rows).collect();
            print(&Report { ok: true, error: None, warnings, settings }, args.as_json).context(UNWRITABLE)
        }
        Err(Wrong(why)) => {
            if args.as_json {
                let (error, warnings, settings) = (Some(why.clone()), Vec::new(), Vec::new());
                print(&Report { ok: false, error, warnings, settings }, true).context(UNWRITABLE)?;
            }
            Err(Error::new(Wrong(why)))
        }
    }
}

fn rows(setting: &Setting) -> Vec<Row> {
    let row = |value: Option<String>, from: Option<String>| Row {
        key: setting.key.clone(),
        flag: setting.flag.clone(),
        variable: setting.variable.clone(),
        value,
        from,
    };
    if setting.values.is_empty() {
        return vec![row(None, None)];
    }
    let values = setting.values.iter();
    values.map(|value| row(Some(value.text.to_string_lossy().into()), Some(value.from.to_string()))).collect()
}

fn print(report: &Report, as_json: bool) -> io::Result<()> {
    if as_json {
        return print::print_json(report);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["key", "value", "from"]);
    for row in &report.settings {
        let shown = |part: &Option<String>| {
            part.as_deref().map_or_else(|| "-".to_owned(), |part| quoted(part).into())
        };
        table.add_row([row.key.clone(), shown(&row.value), shown(&row.from)]);
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    writeln!(io::stdout(), "{}", without_keys(&lines.join("\n")))
}
