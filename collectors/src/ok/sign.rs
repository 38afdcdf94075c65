//! The signature of a request to OK.
//!
//! Place in the flow: the last step before `call` sends a form. Invariant: the token is no part of
//! what is signed, the secret is no part of what is sent.
//!
//! The rule is OK's own: the parameters, sorted by name, are written as `name=value` one after the
//! other without separators, the session secret follows, and the lower-case hex MD5 of it all is
//! the signature. Values are signed before they are encoded for the form.

/// Parameters that are sent and not signed.
const UNSIGNED: [&str; 3] = ["access_token", "session_key", "sig"];

/// The signature of these parameters: 32 lower-case hex digits.
#[must_use]
pub fn signature(params: &[(String, String)], session_secret: &str) -> String {
    let signed = |name: &str| !UNSIGNED.contains(&name);
    let mut sorted: Vec<&(String, String)> =
        params.iter().filter(|(name, _)| signed(name)).collect();
    sorted.sort_unstable();
    let mut text = String::new();
    for (name, value) in sorted {
        text.extend([name, "=", value]);
    }
    text.push_str(session_secret);
    format!("{:x}", md5::compute(text))
}
