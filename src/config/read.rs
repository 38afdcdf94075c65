//! Reading sections of a configuration file, gathering every fault on the way.
//!
//! Place in the flow: `file.rs` and `sources.rs` describe their sections with `section!`, this
//! module takes them out of the parsed file. Invariant: one definition per key gives its type, its
//! default, its text in REFERENCE.md and in the shipped file; nothing is read that is not
//! described.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::secret::SecretFrom;
use super::{syntax, wording};

/// How a key is shown in the shipped file and what holds without it. Texts are TOML values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Must be there (if its section is); an example.
    Required(&'static str),
    /// May be left out: then this value holds.
    Default(&'static str),
    /// May be left out: then there is none, or the text says which; an example.
    Example(&'static str),
}

impl Shown {
    /// The TOML value that is shown.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Shown::Required(text) | Shown::Default(text) | Shown::Example(text) => text,
        }
    }
}

/// One key: name, text for the operator, kind of value, default.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name as typed.
    pub name: &'static str,
    /// Lines of its text.
    pub doc: &'static [&'static str],
    /// Kind of value, in Russian.
    pub kind: &'static str,
    /// Default or example.
    pub shown: Shown,
}

/// One section: path, text, keys.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// `platforms.vk`; of a list of sections (`[[source]]`) its name.
    pub path: &'static str,
    /// Lines of its text.
    pub doc: &'static [&'static str],
    /// Its keys in the order they are shown.
    pub keys: &'static [Key],
}

/// A section that was found in the file.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'t, 'i> {
    /// Its keys.
    pub table: &'t DeTable<'i>,
    /// Byte where it begins.
    pub at: usize,
}

/// A type that holds one section as it was typed.
pub trait Section: Sized {
    /// Its description.
    const ABOUT: About;

    /// Takes the section out of the file; without it the defaults hold.
    fn read(opened: Option<Opened<'_, '_>>, reader: &mut Reader<'_>) -> Self;
}

/// A type that one key may hold.
pub trait FromToml: Sized {
    /// What the value must be, in Russian.
    const KIND: &'static str;

    /// The value, or nothing after reporting the fault.
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self>;
}

/// Gathers the faults of one file.
#[derive(Debug)]
pub struct Reader<'a> {
    file: &'a Path,
    source: &'a str,
    section: &'static str,
    /// Lines that are no TOML.
    broken: Vec<u32>,
    /// Byte from which on everything was read as part of something else.
    lost: usize,
    faults: Vec<(&'static str, Fault)>,
}

impl<'a> Reader<'a> {
    /// A reader of `source`, the text of `file`.
    #[must_use]
    pub fn new(file: &'a Path, source: &'a str) -> Self {
        Self { file, source, section: "", broken: Vec::new(), lost: usize::MAX, faults: Vec::new() }
    }

    /// Parses the file as far as it can be; what is not TOML becomes faults.
    pub fn parse(&mut self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.source);
        for said in syntax::faults(self.source, errors) {
            let fault = Fault::at(self.file, self.source, said.at, said.text, said.fix);
            self.broken.push(fault.line);
            self.faults.push(("", fault));
            if said.rest {
                self.lost = said.at;
            }
        }
        table
    }

    /// Reports an error at byte `at`.
    pub fn fault(&mut self, at: usize, text: impl Into<String>, fix: impl Into<String>) {
        let fault = Fault::at(self.file, self.source, at, text, fix);
        // What stands on a line that is no TOML is an echo of that.
        if !self.broken.contains(&fault.line) && at < self.lost {
            self.faults.push((self.section, fault));
        }
    }

    /// Reports something worth a look at byte `at`.
    pub fn warning(&mut self, at: usize, text: impl Into<String>, fix: impl Into<String>) {
        let fault = Fault::at(self.file, self.source, at, text, fix).warning();
        self.faults.push((self.section, fault));
    }

    /// Reports that something required is not there. Where the text is no TOML it may be hidden by
    /// the error before, so nothing is said then.
    pub fn missing(&mut self, at: usize, text: impl Into<String>, fix: impl Into<String>) {
        if self.broken.is_empty() {
            self.fault(at, text, fix);
        }
    }

    /// The same for what the whole file lacks.
    pub fn missing_whole(&mut self, text: impl Into<String>, fix: impl Into<String>) {
        if self.broken.is_empty() {
            self.faults.push((self.section, Fault::whole(self.file, text, fix)));
        }
    }

    /// The section being read.
    #[must_use]
    pub fn section_name(&self) -> &'static str {
        self.section
    }

    /// Faults from now on belong to this section.
    pub fn enter(&mut self, section: &'static str) {
        self.section = section;
    }

    /// The line (from 1) of byte `at`.
    #[must_use]
    pub fn line(&self, at: usize) -> u32 {
        super::fault::line_column(self.source, at).0
    }

    /// All faults in the order of the file, with the section each belongs to (empty: the file as a
    /// whole).
    #[must_use]
    pub fn into_faults(mut self) -> Vec<(&'static str, Fault)> {
        self.faults.sort_by_key(|(_, fault)| (fault.line, fault.column));
        self.faults
    }

    /// Reads the section of type `S` out of `root`.
    pub fn section<S: Section>(&mut self, root: &DeTable<'_>) -> S {
        self.enter(S::ABOUT.path);
        let opened = self.open(root, S::ABOUT.path);
        S::read(opened, self)
    }

    /// Reads every `[[path]]` of type `S` out of `root`.
    pub fn rows<S: Section>(&mut self, root: &DeTable<'_>) -> Vec<S> {
        self.enter(S::ABOUT.path);
        let path = S::ABOUT.path;
        let Some((_, value)) = find(root, path) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.fault(value.span().start, format!("`{path}` — не список"), format!("[[{path}]]"));
            return Vec::new();
        };
        let mut rows = Vec::new();
        for row in list {
            match row.get_ref().as_table() {
                Some(table) => {
                    rows.push(S::read(Some(Opened { table, at: row.span().start }), self));
                }
                None => {
                    let text = format!("в списке `{path}` — не раздел");
                    self.fault(row.span().start, text, format!("[[{path}]]"));
                }
            }
        }
        rows
    }

    fn open<'t, 'i>(&mut self, root: &'t DeTable<'i>, path: &str) -> Option<Opened<'t, 'i>> {
        let mut opened = Opened { table: root, at: 0 };
        for part in path.split('.') {
            let (_, value) = find(opened.table, part)?;
            let at = value.span().start;
            let Some(table) = value.get_ref().as_table() else {
                self.fault(at, format!("`{path}` — раздел, а не значение"), format!("[{path}]"));
                return None;
            };
            opened = Opened { table, at };
        }
        Some(opened)
    }

    /// Reports keys of `root` that belong to no section of `paths`.
    pub fn unknown_sections(&mut self, root: &DeTable<'_>, paths: &[&str]) {
        self.enter("");
        let mut first: Vec<&str> = paths.iter().filter_map(|p| p.split('.').next()).collect();
        first.dedup();
        self.unknown(root, &first, "раздел");
        for group in first {
            let prefix = format!("{group}.");
            let below: Vec<&str> = paths.iter().filter_map(|p| p.strip_prefix(&*prefix)).collect();
            let table = find(root, group).and_then(|(_, value)| value.get_ref().as_table());
            if let (Some(table), false) = (table, below.is_empty()) {
                self.unknown(table, &below, "раздел");
            }
        }
    }

    fn unknown(&mut self, table: &DeTable<'_>, known: &[&str], what: &str) {
        for (name, _) in table {
            let found = name.get_ref().as_ref();
            if !known.contains(&found) {
                let text = match what {
                    "раздел" => format!("неизвестный раздел `{found}`"),
                    _ => format!("неизвестный ключ `{found}`"),
                };
                self.fault(name.span().start, text, wording::suggestion(found, known));
            }
        }
    }

    /// Checks a section against its description: unknown keys, missing required ones.
    pub fn check_keys(&mut self, about: &About, opened: Option<Opened<'_, '_>>) {
        let Some(opened) = opened else { return };
        let known: Vec<&str> = about.keys.iter().map(|key| key.name).collect();
        self.unknown(opened.table, &known, "ключ");
        for key in about.keys {
            if let Shown::Required(example) = key.shown
                && find(opened.table, key.name).is_none()
            {
                let text = format!("в [{}] нет обязательного ключа `{}`", about.path, key.name);
                self.missing(opened.at, text, format!("допишите {} = {example}", key.name));
            }
        }
    }

    /// The value of one key: typed, else its default, else nothing.
    pub fn key<T: FromToml>(
        &mut self,
        opened: Option<Opened<'_, '_>>,
        key: &Key,
    ) -> Option<Spanned<T>> {
        if let Some((_, value)) = opened.and_then(|opened| find(opened.table, key.name)) {
            let span = value.span();
            return T::from_toml(value, self, key.name).map(|typed| Spanned::new(span, typed));
        }
        let Shown::Default(text) = key.shown else { return None };
        let value = DeValue::parse(text).ok()?;
        let at = opened.map_or(0, |opened| opened.at);
        T::from_toml(&value, self, key.name).map(|typed| Spanned::new(at..at, typed))
    }

    fn wrong_kind<T: FromToml>(&mut self, span: Range<usize>, key: &str) -> Option<T> {
        self.fault(
            span.start,
            format!("`{key}`: значение не того вида"),
            format!("нужно: {}", T::KIND),
        );
        None
    }
}

/// The key and value of this name.
fn find<'t, 'i>(
    table: &'t DeTable<'i>,
    name: &str,
) -> Option<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

impl FromToml for String {
    const KIND: &'static str = "строка в кавычках";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        match value.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => reader.wrong_kind(value.span(), key),
        }
    }
}

impl FromToml for bool {
    const KIND: &'static str = "true или false";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        match value.get_ref().as_bool() {
            Some(typed) => Some(typed),
            None => reader.wrong_kind(value.span(), key),
        }
    }
}

impl FromToml for i64 {
    const KIND: &'static str = "целое число";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let number = value.get_ref().as_integer();
        match number.and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok()) {
            Some(typed) => Some(typed),
            None => reader.wrong_kind(value.span(), key),
        }
    }
}

impl FromToml for Vec<Spanned<String>> {
    const KIND: &'static str = "список строк в квадратных скобках";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            return reader.wrong_kind(value.span(), key);
        };
        let rows = list.iter().filter_map(|row| {
            String::from_toml(row, reader, key).map(|text| Spanned::new(row.span(), text))
        });
        Some(rows.collect())
    }
}

impl FromToml for SecretFrom {
    const KIND: &'static str = "{ credential = \"…\" }, { file = \"…\" } или { env = \"…\" }";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let at = value.span().start;
        let fix =
            format!("{key} = {{ credential = \"{}\" }}", credential_name(reader.section, key));
        let other = "или { file = \"…\" }, { env = \"…\" }";
        let Some(table) = value.get_ref().as_table() else {
            let text = format!("`{key}` — секрет, он не пишется прямо в файле");
            reader.fault(at, text, format!("{fix} {other}"));
            return None;
        };
        let mut rows = table.iter();
        let (Some((kind, place)), None) = (rows.next(), rows.next()) else {
            let text = format!("`{key}`: нужно назвать ровно одно место секрета");
            reader.fault(at, text, format!("{fix} {other}"));
            return None;
        };
        let Some(text) = place.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty())
        else {
            reader.fault(place.span().start, format!("`{key}`: место секрета не названо"), fix);
            return None;
        };
        match kind.get_ref().as_ref() {
            "credential" if text.contains('/') => {
                let wrong = format!("`{key}`: имя секрета systemd не бывает путём");
                reader.fault(place.span().start, wrong, "для файла есть { file = \"…\" }");
                None
            }
            "credential" => Some(SecretFrom::Credential(text.to_owned())),
            "file" => Some(SecretFrom::File(text.into())),
            "env" => Some(SecretFrom::Env(text.to_owned())),
            found => {
                let fix = wording::suggestion(found, &["credential", "file", "env"]);
                reader.fault(kind.span().start, format!("неизвестный вид секрета `{found}`"), fix);
                None
            }
        }
    }
}

/// Communities of our own by number, each with the place of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Communities(pub Vec<(i64, SecretFrom)>);

impl FromToml for Communities {
    const KIND: &'static str = "{ номер = место ключа, … }";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            return reader.wrong_kind(value.span(), key);
        };
        let mut rows = Vec::new();
        for (name, place) in table.iter() {
            let typed = name.get_ref().trim_start_matches("club").trim_start_matches('-');
            let number = typed.parse::<i64>().ok().filter(|number| *number > 0);
            let Some(number) = number else {
                let text = format!("`{}` — не номер сообщества", name.get_ref());
                let fix = "{ 200001 = { file = \"…\" } }, номер стоит в адресе: club200001";
                reader.fault(name.span().start, text, fix);
                continue;
            };
            if rows.iter().any(|(before, _)| *before == number) {
                let text = format!("сообщество {number} названо дважды, второе не в счёт");
                reader.warning(name.span().start, text, "уберите одну из двух записей");
                continue;
            }
            rows.extend(SecretFrom::from_toml(place, reader, key).map(|from| (number, from)));
        }
        Some(Self(rows))
    }
}

/// A key that the platform calls public: may be typed as it is, or kept like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(pub SecretFrom);

impl FromToml for PublicKey {
    const KIND: &'static str = "строка в кавычках или { credential = \"…\" }";
    fn from_toml(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        match value.get_ref().as_str() {
            Some(text) => Some(Self(SecretFrom::Public(text.to_owned()))),
            None => SecretFrom::from_toml(value, reader, key).map(Self),
        }
    }
}

/// The name we propose for a secret: `vk_token` for `token` of `platforms.vk`.
fn credential_name(section: &str, key: &str) -> String {
    let owner = section.rsplit('.').next().unwrap_or_default();
    format!("{owner}_{key}")
}

/// Describes one section: each key with its text, type and default, once for everything.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident = $path:literal {
            $( $(#[doc = $doc:literal])+ $key:ident: $kind:ty = $shown:expr; )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Byte where the section begins; `None` if it was not typed.
            pub at: Option<usize>,
            $( $(#[doc = $doc])+ pub $key: Option<toml::Spanned<$kind>>, )*
        }

        impl $crate::config::read::Section for $name {
            const ABOUT: $crate::config::read::About = $crate::config::read::About {
                path: $path,
                doc: &[$($about),*],
                keys: &[$($crate::config::read::Key {
                    name: stringify!($key),
                    doc: &[$($doc),+],
                    kind: <$kind as $crate::config::read::FromToml>::KIND,
                    shown: $shown,
                }),*],
            };

            fn read(
                opened: Option<$crate::config::read::Opened<'_, '_>>,
                reader: &mut $crate::config::read::Reader<'_>,
            ) -> Self {
                reader.check_keys(&Self::ABOUT, opened);
                let mut keys = Self::ABOUT.keys.iter();
                Self {
                    at: opened.map(|opened| opened.at),
                    $( $key: keys.next().and_then(|key| {
                        debug_assert_eq!(key.name, stringify!($key));
                        reader.key::<$kind>(opened, key)
                    }), )*
                }
            }
        }
    };
}
pub(crate) use section;
