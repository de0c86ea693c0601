//! The patterns of rules: which paths they fit.
//!
//! `*` stands for any part of a name, `?` for one character of it, `**` for any number of folders,
//! none included. All else stands for itself, so every text is a pattern.

/// Tells whether a path, with `/` between its parts, fits a pattern.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    parts_fit(&pattern, &path)
}

fn parts_fit(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|taken| parts_fit(rest, &path[taken..])),
        (Some((part, rest)), Some((name, others))) => {
            name_fits(part, name) && parts_fit(rest, others)
        }
        _ => false,
    }
}

/// Goes back to the last `*` when what follows it does not fit: linear in the product, whatever the
/// pattern.
fn name_fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name) = (0, 0);
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(&c) if c == '?' || c == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    in_name = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names_and_folders() {
        for (pattern, path, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("*.csv", "sub/a.csv", false),
            ("sub/*.csv", "sub/a.csv", true),
            ("**/*.csv", "a.csv", true),
            ("**/*.csv", "x/y/a.csv", true),
            ("x/**/a.csv", "x/a.csv", true),
            ("x/**", "x/y/z", true),
            ("x/**", "y", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*", "", true),
            ("[a].csv", "[a].csv", true),
            ("größe-*", "größe-1", true),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_bad_pattern_does_not_take_long() {
        let pattern = "*a".repeat(40);
        assert!(!fits(&pattern, &"a".repeat(39)));
        assert!(!fits(&format!("{pattern}b"), &"a".repeat(2000)));
    }
}
