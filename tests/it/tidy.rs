//! Rules of the source tree that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 100;

/// Crates that one module alone may name, and that module's folder or file under `src`.
const OWNERS: &[(&str, &[&str])] = &[
    ("pgwire", &["wire"]),
    ("sqlparser", &["sql"]),
    ("rocksdb", &["intent"]),
    ("duckdb", &["engine/duckdb"]),
    ("libduckdb_sys", &["engine/duckdb"]),
    ("datafusion", &["engine/datafusion"]),
    ("polars", &["dataset", "algorithm"]),
    ("polars_arrow", &["dataset"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_prometheus", &["telemetry"]),
    ("prometheus", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One Rust file under a folder of the repository.
struct Source {
    /// Path from the repository's root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines before the first test module; none for a file of tests.
    fn code(&self) -> Vec<&str> {
        if self.is_test() {
            return Vec::new();
        }
        self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect()
    }

    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || matches!(name, "tests.rs" | "testing.rs")
            || name.ends_with("_tests.rs")
    }

    /// The path inside `src`, without the ending: `engine/duckdb/reader`.
    fn inside(&self) -> &str {
        self.path.trim_start_matches("src/").trim_end_matches(".rs")
    }

    /// The top module that it belongs to.
    fn module(&self) -> &str {
        self.inside().split('/').next().unwrap_or_default()
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let built = ["target", "node_modules", "demo-data"].iter().any(|name| path.ends_with(name));
        if hidden || built {
            continue;
        }
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| walk(&root().join(folder), &mut paths));
    paths.sort();
    let rust = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| Source {
        path: path.strip_prefix(root()).unwrap().display().to_string(),
        text: fs::read_to_string(path).unwrap(),
    })
    .collect()
}

/// The line without its comment; a `//` inside a string, as in a URL, is kept.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| at + from) {
        if line[..at].matches('"').count() % 2 == 0 {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

fn report(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}, in {} places:\n{}", broken.len(), broken.join("\n"));
}

/// Modules in the order of `src/lib.rs`.
fn modules() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let names = lib.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "))?.strip_suffix(';')
    });
    names.map(str::to_owned).collect()
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// First names after each `crate::` in code, those of a `crate::{a::b, c}` list included.
fn crate_names(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    names.push(identifier(&list[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn a_module_imports_only_modules_listed_above_it() {
    let modules = modules();
    assert!(modules.len() > 10, "src/lib.rs was not understood");
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let mut broken = Vec::new();
    let mut imports = 0;
    for source in sources(&["src"]) {
        let Some(own) = rank(source.module()) else { continue };
        let code: Vec<&str> = source.code().into_iter().map(without_comment).collect();
        for name in crate_names(&code.join("\n")) {
            imports += 1;
            if rank(name).is_some_and(|other| other > own) {
                broken.push(format!("{} imports {name}", source.path));
            }
        }
    }
    assert!(imports > 0, "no import was found: the check sees nothing");
    report("a module imports only modules listed above it in src/lib.rs", &broken);
}

/// Whether code names a crate: `name::` or `use name;`, not as part of a longer path.
fn names_crate(line: &str, name: &str) -> bool {
    let is_path = line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &line[..at];
        let inner = before.strip_suffix("::").is_some_and(|path| {
            path.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
        });
        !inner && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"')
    });
    is_path || line.trim_start().starts_with(&format!("use {name};"))
}

#[test]
fn an_outside_crate_is_named_by_its_owner_only() {
    let mut broken = Vec::new();
    let mut owned_lines = 0;
    for source in sources(&["src"]) {
        for (name, owners) in OWNERS {
            let inside = source.inside();
            let owned = owners.iter().any(|owner| {
                inside == *owner
                    || inside.strip_prefix(owner).is_some_and(|rest| rest.starts_with('/'))
            });
            let lines = source.text.lines().enumerate();
            for (at, _) in lines.filter(|(_, line)| names_crate(without_comment(line), name)) {
                if owned {
                    owned_lines += 1;
                } else {
                    broken.push(format!("{}:{} names {name}", source.path, at + 1));
                }
            }
        }
    }
    assert!(owned_lines > 0, "no owner names its crate: the check sees nothing");
    report("an outside crate is named by its owner only", &broken);
}

#[test]
fn files_and_functions_and_lines_are_short() {
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "bench"]) {
        let lines: Vec<&str> = source.text.lines().collect();
        let counted = source.code().len();
        if counted > FILE_LINES_MAX {
            broken.push(format!("{}: {counted} lines, at most {FILE_LINES_MAX}", source.path));
        }
        for (at, line) in lines.iter().enumerate() {
            let chars = line.chars().count();
            // rustfmt leaves a line that it cannot break: a long string, a macro's pattern.
            if chars > LINE_CHARS_MAX && !line.contains('"') && !line.contains("$(") {
                broken.push(format!("{}:{}: {chars} characters", source.path, at + 1));
            }
        }
        if !source.is_test() {
            broken.extend(long_functions(&source));
        }
    }
    report("files, functions and lines are short", &broken);
}

fn long_functions(source: &Source) -> Vec<String> {
    let lines = source.code();
    let starts = |line: &str| {
        let words = line.split_whitespace();
        words
            .take_while(|word| {
                matches!(*word, "pub" | "async" | "const" | "unsafe" | "fn")
                    || word.starts_with("pub(")
                    || matches!(*word, "extern" | "\"C\"")
            })
            .any(|word| word == "fn")
    };
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| starts(line)) {
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[at..].iter().position(|line| *line == format!("{indent}}}"));
        let len = end.unwrap_or_default() + 1;
        if len > FUNCTION_LINES_MAX && !line.trim_end().ends_with([';', '}']) {
            long.push(format!("{}:{}: a function of {len} lines", source.path, at + 1));
        }
    }
    long
}

#[test]
fn every_file_says_what_it_is() {
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "bench"]) {
        if !source.text.starts_with("//!") {
            broken.push(source.path);
        }
    }
    report("every file opens with //!", &broken);
}

#[test]
fn nothing_is_left_unfinished() {
    let banned = ["todo!(", "unimplemented!(", "dbg!(", "(empty until its commit)"];
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "bench"]) {
        if source.path.ends_with("tidy.rs") {
            continue;
        }
        for (at, line) in source.text.lines().enumerate() {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                broken.push(format!("{}:{} has {word}", source.path, at + 1));
            }
        }
    }
    report("nothing is left unfinished", &broken);
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let mut places = vec![root().display().to_string()];
    places.extend(
        ["CARGO_HOME", "CARGO_TARGET_DIR"].iter().filter_map(|name| std::env::var(name).ok()),
    );
    let homes = ["/home/", "/Users/", "C:\\Users"].map(str::to_owned);
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    let mut broken = Vec::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if path.ends_with("tidy.rs") {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let named = places.iter().chain(&homes).any(|place| line.contains(place.as_str()));
            if named {
                broken.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    report("no path of one machine is written down", &broken);
}

#[test]
fn the_checks_see_what_they_look_for() {
    assert_eq!(crate_names("use crate::{a::{x, y}, b, c::d};"), ["a", "b", "c"]);
    assert_eq!(crate_names("crate::wire::serve($crate::x, my_crate::y)"), ["wire"]);
    assert!(names_crate("use duckdb::Connection;", "duckdb"));
    assert!(names_crate("let x = ::duckdb::Connection::open()", "duckdb"));
    assert!(names_crate("fn f(x: Vec<duckdb::Row>)", "duckdb"));
    assert!(!names_crate("use crate::engine::duckdb::DuckDb;", "duckdb"));
    assert!(!names_crate("use libduckdb::x;", "duckdb"));
    assert_eq!(without_comment("let x = \"http://a\"; // b"), "let x = \"http://a\"; ");
    let long = format!("fn f() {{\n{}}}\n", "    x;\n".repeat(FUNCTION_LINES_MAX));
    let source = Source { path: "src/x.rs".to_owned(), text: long };
    assert_eq!(long_functions(&source).len(), 1);
}
