//! The one HTTP client: time-outs, size cap, address guard, redacted errors.
//!
//! Place in the flow: the real [`crate::Transport`]. Invariant: no error text contains an address or a header.

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute address.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Form fields of a POST, sent form-urlencoded.
    pub form: Vec<(String, String)>,
    /// Whether the address comes from a source (guarded against private networks) or is a platform's base.
    pub guarded: bool,
}

/// One whole answer, any status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: Vec<u8>,
    /// Path and query that answered, after redirects (no host, no secrets).
    pub path: String,
}

impl Response {
    /// First header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}
// TEMPORARY
#[derive(Default)]
pub struct HttpSettings {
    pub proxy: Option<String>,
    pub ca_file: Option<std::path::PathBuf>,
    pub allow: Vec<String>,
    pub user_agent: String,
}
pub struct Http;
impl Http {
    pub fn new(_s: HttpSettings) -> Result<Self, crate::CollectError> {
        Ok(Http)
    }
}
#[async_trait::async_trait]
impl crate::Transport for Http {
    async fn send(&self, _r: Request) -> Result<Response, crate::CollectError> {
        Err(crate::CollectError::new(crate::Class::Ours, crate::Scope::Host, "x", "x"))
    }
}
