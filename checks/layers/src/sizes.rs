//! How long files, functions and names are.

use crate::{Sources, imports::is_for_tests};
use std::fmt;
use syn::{
    File, ImplItemFn, ItemFn, TraitItemFn,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// Lines of a file, unit tests in it not counted.
const MAX_FILE: usize = 600;
/// Lines of a function.
const MAX_FUNCTION: usize = 70;
/// Characters of a function's name, which for a test is a sentence.
const MAX_NAME: usize = 70;

/// What is too long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Oversize {
    /// A file, and its lines.
    File(String, usize),
    /// A file, a function in it, and the function's lines.
    Function(String, String, usize),
    /// A file, and the name of a function in it.
    Name(String, String),
}

impl fmt::Display for Oversize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, lines) => write!(f, "{file} has {lines} lines; {MAX_FILE} are enough"),
            Self::Function(file, name, lines) => {
                write!(f, "{name} in {file} has {lines} lines; {MAX_FUNCTION} are enough")
            }
            Self::Name(file, name) => {
                write!(f, "{name} in {file} has {} characters; {MAX_NAME} are enough", name.len())
            }
        }
    }
}

/// Everything that is too long. What does not parse is not measured.
pub fn oversize(sources: &Sources) -> Vec<Oversize> {
    let mut found = vec![];
    for (name, text) in sources {
        let Ok(file) = syn::parse_file(text) else { continue };
        let lines = text.lines().count() - lines_of_tests(&file);
        if lines > MAX_FILE {
            found.push(Oversize::File(name.clone(), lines));
        }
        Functions { file: name, found: &mut found }.visit_file(&file);
    }
    found
}

fn lines_of_tests(file: &File) -> usize {
    let tests = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if is_for_tests(&item.attrs) => Some(lines(item.span())),
        _ => None,
    });
    tests.sum()
}

fn lines(span: proc_macro2::Span) -> usize {
    span.end().line + 1 - span.start().line
}

struct Functions<'a> {
    file: &'a str,
    found: &'a mut Vec<Oversize>,
}

impl Functions<'_> {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let lines = lines(block.span());
        if lines > MAX_FUNCTION {
            self.found.push(Oversize::Function(self.file.to_owned(), name.to_string(), lines));
        }
        if name.to_string().len() > MAX_NAME {
            self.found.push(Oversize::Name(self.file.to_owned(), name.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.note(&item.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: String) -> Vec<String> {
        oversize(&Sources::from([("long".to_owned(), text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_is_measured_from_brace_to_brace() {
        assert!(found(format!("fn f() {{\n{}}}", "();\n".repeat(68))).is_empty());
        let long = found(format!("struct S; impl S {{ fn f() {{\n{}}} }}", "();\n".repeat(69)));
        assert_eq!(long, ["f in long has 71 lines; 70 are enough"]);
        let provided = found(format!("trait T {{ fn f() {{\n{}}} }}", "();\n".repeat(69)));
        assert_eq!(provided, ["f in long has 71 lines; 70 are enough"]);
    }

    #[test]
    fn a_name_is_measured_by_its_characters() {
        let named = |length| format!("fn {}() {{}}", "n".repeat(length));
        assert!(found(named(70)).is_empty());
        let name = "n".repeat(71);
        assert_eq!(found(named(71)), [format!("{name} in long has 71 characters; 70 are enough")]);
    }

    #[test]
    fn a_file_is_measured_without_its_unit_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(500));
        assert!(found(format!("{}{tests}", "// a line\n".repeat(600))).is_empty());
        assert_eq!(found("// a line\n".repeat(601)), ["long has 601 lines; 600 are enough"]);
    }
}
