//! Templates of dates and times, as `to_char`, `to_date` and `to_timestamp` read them.

/// What a template pattern stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field {
    /// `AM`, `PM`; dotted: `A.M.`.
    Meridiem {
        dotted: bool,
    },
    Hour12,
    Hour24,
    Minute,
    Second,
    Milli,
    Micro,
    /// `FF1` to `FF6`.
    Fraction(usize),
    SecondOfDay,
    Zone,
    ZoneHour,
    ZoneMinute,
    Offset,
    /// `AD`, `BC`; dotted: `A.D.`.
    Era {
        dotted: bool,
    },
    MonthName,
    MonthAbbreviation,
    Month,
    DayName,
    DayAbbreviation,
    DayOfYear,
    IsoDayOfYear,
    DayOfMonth,
    DayOfWeek,
    IsoDayOfWeek,
    WeekOfMonth,
    WeekOfYear,
    IsoWeek,
    Quarter,
    Century,
    YearWithComma,
    /// `YYYY` to `Y`, by the number of digits.
    Year(usize),
    /// `IYYY` to `I`.
    IsoYear(usize),
    RomanMonth,
    Julian,
    /// `FX`.
    FixedWidth,
}

/// How letters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Case {
    Upper,
    Title,
    Lower,
}

/// The calendar a pattern belongs to; the two cannot be mixed in input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Convention {
    Any,
    Gregorian,
    IsoWeek,
}

/// One pattern of a template with its modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Item<'a> {
    pub(super) field: Field,
    /// The pattern as it is written, for messages.
    pub(super) name: &'a str,
    pub(super) case: Case,
    /// Whether the pattern is read from digits.
    pub(super) digits: bool,
    pub(super) convention: Convention,
    /// `FM`.
    pub(super) fill: bool,
    /// `TM`.
    pub(super) translated: bool,
    /// `TH` or `th`.
    pub(super) ordinal: Option<Case>,
}

/// One element of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Node<'a> {
    Item(Item<'a>),
    /// A printable ASCII character that is neither letter nor digit, outside quotes.
    Separator(char),
    Space(char),
    Text(char),
}

impl Node<'_> {
    /// Tells whether digits may follow one another from the pattern before into this element.
    fn starts_with_digit(&self) -> bool {
        match self {
            Node::Item(item) => item.digits,
            Node::Separator(c) | Node::Space(c) | Node::Text(c) => c.is_ascii_digit(),
        }
    }
}

/// Tells whether the number at `index` ends at the first character that is no digit, rather than
/// after a fixed width.
pub(super) fn ends_number(nodes: &[Node<'_>], index: usize) -> bool {
    if let Some(Node::Item(item)) = nodes.get(index)
        && (item.fill || item.ordinal.is_some())
    {
        return true;
    }
    nodes.get(index + 1).is_none_or(|next| !next.starts_with_digit())
}

const ANY: Convention = Convention::Any;
const GREGORIAN: Convention = Convention::Gregorian;
const ISO: Convention = Convention::IsoWeek;

/// The patterns in capitals, a longer one before its prefixes: name, field, whether it is a
/// number, calendar.
const PATTERNS: &[(&str, Field, bool, Convention)] = &[
    ("A.D.", Field::Era { dotted: true }, false, ANY),
    ("B.C.", Field::Era { dotted: true }, false, ANY),
    ("AD", Field::Era { dotted: false }, false, ANY),
    ("BC", Field::Era { dotted: false }, false, ANY),
    ("A.M.", Field::Meridiem { dotted: true }, false, ANY),
    ("P.M.", Field::Meridiem { dotted: true }, false, ANY),
    ("AM", Field::Meridiem { dotted: false }, false, ANY),
    ("PM", Field::Meridiem { dotted: false }, false, ANY),
    ("CC", Field::Century, true, ANY),
    ("DAY", Field::DayName, false, ANY),
    ("DDD", Field::DayOfYear, true, GREGORIAN),
    ("DD", Field::DayOfMonth, true, GREGORIAN),
    ("DY", Field::DayAbbreviation, false, ANY),
    ("D", Field::DayOfWeek, true, GREGORIAN),
    ("FF1", Field::Fraction(1), true, ANY),
    ("FF2", Field::Fraction(2), true, ANY),
    ("FF3", Field::Fraction(3), true, ANY),
    ("FF4", Field::Fraction(4), true, ANY),
    ("FF5", Field::Fraction(5), true, ANY),
    ("FF6", Field::Fraction(6), true, ANY),
    ("FX", Field::FixedWidth, false, ANY),
    ("HH24", Field::Hour24, true, ANY),
    ("HH12", Field::Hour12, true, ANY),
    ("HH", Field::Hour12, true, ANY),
    ("IDDD", Field::IsoDayOfYear, true, ISO),
    ("ID", Field::IsoDayOfWeek, true, ISO),
    ("IW", Field::IsoWeek, true, ISO),
    ("IYYY", Field::IsoYear(4), true, ISO),
    ("IYY", Field::IsoYear(3), true, ISO),
    ("IY", Field::IsoYear(2), true, ISO),
    ("I", Field::IsoYear(1), true, ISO),
    ("J", Field::Julian, true, ANY),
    ("MI", Field::Minute, true, ANY),
    ("MM", Field::Month, true, GREGORIAN),
    ("MONTH", Field::MonthName, false, GREGORIAN),
    ("MON", Field::MonthAbbreviation, false, GREGORIAN),
    ("MS", Field::Milli, true, ANY),
    ("OF", Field::Offset, false, ANY),
    ("Q", Field::Quarter, true, ANY),
    ("RM", Field::RomanMonth, false, GREGORIAN),
    ("SSSSS", Field::SecondOfDay, true, ANY),
    ("SSSS", Field::SecondOfDay, true, ANY),
    ("SS", Field::Second, true, ANY),
    ("TZH", Field::ZoneHour, false, ANY),
    ("TZM", Field::ZoneMinute, true, ANY),
    ("TZ", Field::Zone, false, ANY),
    ("US", Field::Micro, true, ANY),
    ("WW", Field::WeekOfYear, true, GREGORIAN),
    ("W", Field::WeekOfMonth, true, GREGORIAN),
    ("Y,YYY", Field::YearWithComma, true, GREGORIAN),
    ("YYYY", Field::Year(4), true, GREGORIAN),
    ("YYY", Field::Year(3), true, GREGORIAN),
    ("YY", Field::Year(2), true, GREGORIAN),
    ("Y", Field::Year(1), true, GREGORIAN),
];

/// Tells how `written` writes the pattern `name`, if it does: names of months and days know a
/// third way beside all capitals and all small letters.
fn case_of(written: &str, name: &str, field: Field) -> Option<Case> {
    let titled = matches!(
        field,
        Field::MonthName | Field::MonthAbbreviation | Field::DayName | Field::DayAbbreviation
    );
    if written == name {
        Some(Case::Upper)
    } else if written.bytes().zip(name.bytes()).all(|(w, n)| w == n.to_ascii_lowercase()) {
        Some(Case::Lower)
    } else if titled && is_title(written, name) {
        Some(Case::Title)
    } else {
        None
    }
}

/// Tells whether `written` is `name` with one capital, its first letter.
fn is_title(written: &str, name: &str) -> bool {
    let letters = written.bytes().zip(name.bytes()).enumerate();
    letters.into_iter().all(|(at, (w, n))| w == if at == 0 { n } else { n.to_ascii_lowercase() })
}

/// Finds the pattern that `rest` begins with.
fn pattern(rest: &str) -> Option<Item<'_>> {
    let first = rest.bytes().next().filter(u8::is_ascii_alphabetic)?.to_ascii_uppercase();
    PATTERNS.iter().find_map(|&(name, field, digits, convention)| {
        if name.bytes().next() != Some(first) {
            return None;
        }
        let written = rest.get(..name.len())?;
        let case = case_of(written, name, field)?;
        let (fill, translated, ordinal) = (false, false, None);
        Some(Item { field, name: written, case, digits, convention, fill, translated, ordinal })
    })
}

/// Takes one of `words` off the front of `rest`.
fn take<'a>(rest: &mut &'a str, words: &[&str]) -> Option<&'a str> {
    let word = words.iter().find(|word| rest.starts_with(**word))?;
    let (taken, left) = rest.split_at_checked(word.len())?;
    *rest = left;
    Some(taken)
}

/// Tells whether PostgreSQL counts a character among the separators.
pub(super) fn is_separator(c: char) -> bool {
    c.is_ascii_punctuation()
}

/// Tells whether C's `isspace` holds for a character.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Takes a template apart.
pub(super) fn parse(template: &str) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let prefix = take(&mut rest, &["FM", "fm", "TM", "tm"]);
        if let Some(mut item) = pattern(rest) {
            take(&mut rest, &[item.name]);
            match prefix {
                Some("FM" | "fm") => item.fill = true,
                Some(_) => item.translated = true,
                None => {}
            }
            // SP (spell) is accepted and does nothing.
            item.ordinal = match take(&mut rest, &["TH", "th", "SP"]) {
                Some("TH") => Some(Case::Upper),
                Some("th") => Some(Case::Lower),
                _ => None,
            };
            nodes.push(Node::Item(item));
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = super::quoted(quoted, |c| nodes.push(Node::Text(c)));
        } else {
            rest = match rest.strip_prefix('\\') {
                Some(after) if after.starts_with('"') => after,
                _ => rest,
            };
            let mut chars = rest.chars();
            match chars.next() {
                Some(c) if is_separator(c) => nodes.push(Node::Separator(c)),
                Some(c) if is_space(c) => nodes.push(Node::Space(c)),
                Some(c) => nodes.push(Node::Text(c)),
                None => {}
            }
            rest = chars.as_str();
        }
    }
    nodes
}
