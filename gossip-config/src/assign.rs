//! One value of a TOML table at a time: `key=value`, with dots in the key.

use toml::{Table, Value};

/// The key and the value of `key=value`. What is no TOML value is a string, so that it needs no quotes.
///
/// # Errors
/// There is no `=`.
pub fn split(assignment: &str) -> Result<(&str, Value), &'static str> {
    let (key, text) = assignment.split_once('=').ok_or("write key=value")?;
    let (key, text) = (key.trim(), text.trim());
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    Ok((key, value.unwrap_or_else(|| Value::String(text.into()))))
}

/// Puts a value at a dotted path; numbers in it are places in arrays. Tables on the way are made.
///
/// # Errors
/// The path leads through what is no table, or to a place that an array does not have.
pub fn assign(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or("the key is empty")?;
    let mut at = table;
    let mut keys = keys.into_iter().peekable();
    while let Some(key) = keys.next() {
        let inner = at.entry(key).or_insert_with(|| Value::Table(Table::new()));
        at = match (inner, keys.peek().and_then(|next| next.parse::<usize>().ok())) {
            (Value::Table(inner), _) => inner,
            (Value::Array(items), Some(n)) => {
                keys.next();
                let item = items.get_mut(n).ok_or_else(|| format!("'{key}' has no entry {n}"))?;
                item.as_table_mut().ok_or_else(|| format!("'{key}.{n}' is no table"))?
            }
            (Value::Array(_), None) => return Err(format!("'{key}' is a list: write {key}.0.…")),
            _ => return Err(format!("'{key}' is a value, not a table")),
        };
    }
    at.insert(last.into(), value);
    Ok(())
}
