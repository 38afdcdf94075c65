//! Takes a mail apart as a mail program does.
//!
//! Place in the flow: tests and the demo look into mails that the local server accepted. Invariant:
//! reads the standard (RFC 2045–2047), not the program that wrote the mail; what it cannot read is
//! left out.

use super::Mail;

/// Deepest nesting that is looked into.
const DEPTH_MAX: usize = 8;

/// A part of a mail that holds something itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Media type in lower case, for example `text/html`.
    pub mime: String,
    /// Name of the file, for an attachment.
    pub name: Option<String>,
    /// Content, decoded.
    pub bytes: Vec<u8>,
}

impl Part {
    /// The content as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace("\r\n", "\n")
    }
}

impl Mail {
    /// Its parts in order, whatever they are nested in.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        collect(&self.raw, DEPTH_MAX, &mut parts);
        parts
    }

    /// The first part of this media type.
    #[must_use]
    pub fn part(&self, mime: &str) -> Option<Part> {
        self.parts().into_iter().find(|part| part.mime == mime)
    }

    /// The subject as people read it.
    #[must_use]
    pub fn subject(&self) -> String {
        words(&self.header("Subject").unwrap_or_default())
    }
}

fn collect(entity: &str, depth: usize, parts: &mut Vec<Part>) {
    let Some((head, body)) = entity.split_once("\r\n\r\n") else { return };
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let kind = field(&head, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let mime = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if mime.starts_with("multipart/") {
        let Some(boundary) = parameter(&kind, "boundary").filter(|_| depth > 0) else { return };
        let mark = format!("--{boundary}");
        for piece in body.split(&mark).skip(1) {
            if let Some(entity) = piece.strip_prefix("\r\n") {
                collect(entity.strip_suffix("\r\n").unwrap_or(entity), depth - 1, parts);
            }
        }
        return;
    }
    let coding = field(&head, "Content-Transfer-Encoding").unwrap_or_default();
    let bytes = match coding.to_ascii_lowercase().as_str() {
        "base64" => base64(body),
        "quoted-printable" => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    let name = field(&head, "Content-Disposition").and_then(|it| parameter(&it, "filename"));
    parts.push(Part { mime, name, bytes });
}

fn field(head: &str, name: &str) -> Option<String> {
    head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn parameter(field: &str, name: &str) -> Option<String> {
    field.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

/// Text of a header with its encoded words decoded; the space between two of them is none.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for piece in text.split_inclusive(' ') {
        match word(piece.trim_end()) {
            Some(decoded) => {
                if after_word {
                    out.truncate(out.trim_end().len());
                }
                out.push_str(&decoded);
                out.push_str(if piece.ends_with(' ') { " " } else { "" });
                after_word = true;
            }
            None => {
                out.push_str(piece);
                after_word = false;
            }
        }
    }
    out
}

/// `=?utf-8?b?…?=` and `=?utf-8?q?…?=`.
fn word(text: &str) -> Option<String> {
    let mut fields = text.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, coding, content) = (fields.next()?, fields.next()?, fields.next()?);
    let bytes = match coding {
        "b" | "B" => base64(content),
        "q" | "Q" => quoted_printable(&content.replace('_', " ")),
        _ => return None,
    };
    charset.eq_ignore_ascii_case("utf-8").then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |sign: u8| match sign {
        b'A'..=b'Z' => Some(sign - b'A'),
        b'a'..=b'z' => Some(sign - b'a' + 26),
        b'0'..=b'9' => Some(sign - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in text.bytes().filter_map(digit) {
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    out
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'=', [b'\r', b'\n', behind @ ..]) => rest = behind,
            (b'=', [a, b, behind @ ..]) => {
                let hex = std::str::from_utf8(&[*a, *b]).map(|it| u8::from_str_radix(it, 16));
                match hex {
                    Ok(Ok(byte)) => {
                        out.push(byte);
                        rest = behind;
                    }
                    _ => out.push(b'='),
                }
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail { from: String::new(), to: Vec::new(), raw: raw.replace('\n', "\r\n") }
    }

    #[test]
    fn parts_are_found_and_decoded() {
        let mail = mail(
            "Subject: =?utf-8?b?0J3QtdGC?= =?utf-8?b?INGC0LXQv9C70LA=?=\n\
             Content-Type: multipart/mixed;\n boundary=\"out\"\n\n\
             --out\nContent-Type: multipart/alternative; boundary=in\n\n\
             --in\nContent-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: quoted-printable\n\n\
             =D0=9D=D0=B5=D1=\n=82 =3D 1\n\
             --in\nContent-Type: text/html\n\n<b>x</b>\n--in--\n\
             --out\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\
             Content-Disposition: attachment; filename=\"a.zip\"\n\nAAEC\n/w==\n--out--\n",
        );
        assert_eq!(mail.subject(), "Нет тепла");
        let parts = mail.parts();
        let kinds: Vec<&str> = parts.iter().map(|part| part.mime.as_str()).collect();
        assert_eq!(kinds, ["text/plain", "text/html", "application/zip"]);
        assert_eq!(parts[0].text(), "Нет = 1");
        assert_eq!(parts[1].text(), "<b>x</b>");
        assert_eq!(parts[2].bytes, [0, 1, 2, 0xFF]);
        assert_eq!(parts[2].name.as_deref(), Some("a.zip"));
    }

    #[test]
    fn a_subject_in_plain_letters_stays() {
        assert_eq!(mail("Subject: a =b= c\n\nx").subject(), "a =b= c");
        assert_eq!(mail("X: y\n\nx").subject(), "");
    }
}
