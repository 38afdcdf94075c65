//! `otklik telegram login` and `check --online` against a local server of Telegram.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use otklik::clock::SystemClock;
use otklik_collectors::play::mtproto::{KEY, MtprotoServer, PlayMtproto, serve};
use otklik_collectors::telegram::SessionFile;

use crate::cli_tools::Desk;

/// Telegram's own prime of the password's proof: clients accept no other.
const PRIME: &str = "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F\
                     48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37\
                     20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64\
                     2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4\
                     A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754\
                     FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4\
                     E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F\
                     0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B";

struct Stage {
    play: Arc<Mutex<PlayMtproto>>,
    runtime: tokio::runtime::Runtime,
    server: MtprotoServer,
    desk: Desk,
}

impl Stage {
    /// A server, and a desk whose session file holds a key that the server knows: a key of its own
    /// could only be made with a secret that Telegram alone has.
    fn new(logged_in: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let play = Arc::new(Mutex::new(PlayMtproto::new()));
        play.lock().expect("the play").account.logged_in = logged_in;
        let server =
            runtime.block_on(serve(play.clone(), Arc::new(SystemClock))).expect("a server");
        let desk = Desk::new(&format!(
            "[platforms.telegram]\napi_id = 1\napi_hash = {{ file = \"hash\" }}\n\
             session = \"telegram.session\"\ndc_address = \"{}\"\n",
            server.addr
        ));
        desk.write("config/hash", "canary-hash");
        desk.write("config/sources.toml", SOURCES);
        let stage = Self { play, runtime, server, desk };
        let SocketAddr::V4(address) = stage.server.addr else { panic!("an address") };
        stage.session(&SessionFile::with_key(2, address, &KEY).write(), 0o600);
        stage
    }

    fn session(&self, bytes: &[u8], mode: u32) {
        let file = self.desk.path().join("config/telegram.session");
        std::fs::write(&file, bytes).expect("written");
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, mode).expect("permissions");
    }

    fn login(&self, args: &[&str], typed: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_otklik"))
            .args(["telegram", "login"])
            .args(args)
            .current_dir(self.desk.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        // A login that needs less than was typed closes its input early.
        child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).ok();
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code().expect("an exit code"), text(stdout), text(stderr))
    }

    fn online(&self) -> (Option<bool>, String) {
        let (_, report) = self.desk.json(&["check", "--online", "--json"]);
        let proofs = report["online"].as_array().expect("proofs");
        let proof = proofs.iter().find(|proof| proof["what"] == "platforms.telegram");
        let proof = proof.unwrap_or_else(|| panic!("no telegram in {report}"));
        (proof["ok"].as_bool(), proof["text"].as_str().unwrap_or_default().to_owned())
    }
}

const SOURCES: &str = "[[source]]\nid = \"selo\"\nplatform = \"telegram\"\nhandle = \"selo_x\"\n";

#[test]
fn a_login_asks_for_number_code_and_password_and_writes_the_key() {
    let stage = Stage::new(false);
    {
        let mut play = stage.play.lock().expect("the play");
        let digit = |at: usize| u8::from_str_radix(&PRIME[at..at + 2], 16).expect("hex");
        play.account.prime = (0..PRIME.len()).step_by(2).map(digit).collect();
        play.account.password = Some(1);
    }
    let typed = "+7 999 000-00-01\n00000\n12345\nне тот\nмой пароль\n";
    let (code, out, err) = stage.login(&[], typed);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Вход выполнен") && out.contains("telegram.session"), "{out}");
    let asked =
        ["Номер телефона", "Код, который прислал", "Код не подошёл", "подсказка: подсказка"];
    for question in asked.iter().chain(&["Пароль не подошёл"]) {
        assert!(err.contains(question), "no «{question}» in {err}");
    }
    let said = format!("{out}{err}");
    for secret in ["canary", "12345", "мой пароль", "+7999", "Выдуман"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    let file = stage.desk.path().join("config/telegram.session");
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read(&file).expect("read");
    assert!(SessionFile::read(&written).is_some());
    // Once in, nobody is asked again.
    let (code, out, err) = stage.login(&[], "");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("уже выполнен"), "{out}");
    assert_eq!(stage.online().0, Some(true));
    drop(stage.runtime);
}

#[test]
fn a_login_that_is_refused_leaves_the_file_as_it_was() {
    let stage = Stage::new(false);
    let file = stage.desk.path().join("config/telegram.session");
    let before = std::fs::read(&file).expect("read");
    for (typed, expected) in [
        ("+79990000002\n", "не знает такого номера"),
        ("+79990000001\n1\n2\n3\n4\n", "слишком много ошибок"),
        ("+79990000001\n", "ввод закончился"),
    ] {
        let (code, out, err) = stage.login(&[], typed);
        assert_eq!(code, 1, "{out}{err}");
        assert!(err.contains(expected), "no «{expected}» in {err}");
        assert_eq!(std::fs::read(&file).expect("read"), before);
    }
    stage.desk.edit("config/otklik.toml", "api_id = 1\n", "");
    let (code, _, err) = stage.login(&[], "");
    assert!(code == 78 && err.contains("api_id"), "{code} {err}");
    drop(stage.runtime);
}

#[test]
fn check_online_says_how_telegram_is_read() {
    let stage = Stage::new(true);
    let (ok, text) = stage.online();
    assert!(ok == Some(true) && text.contains("учётная запись принята"), "{text}");
    stage.play.lock().expect("the play").account.logged_in = false;
    let (ok, text) = stage.online();
    assert!(ok == Some(false) && text.contains("telegram login"), "{text}");
    let key = std::fs::read(stage.desk.path().join("config/telegram.session")).expect("read");
    stage.session(&key, 0o644);
    let (ok, text) = stage.online();
    assert!(ok == Some(false) && text.contains("chmod 600"), "{text}");
    stage.session(b"{}", 0o600);
    let (ok, text) = stage.online();
    assert!(ok == Some(false) && text.contains("испорчен"), "{text}");
    std::fs::remove_file(stage.desk.path().join("config/telegram.session")).expect("removed");
    let (ok, text) = stage.online();
    assert!(ok == Some(false) && text.contains("вход не выполнен"), "{text}");
    stage.desk.edit("config/otklik.toml", "api_id = 1\n", "");
    let (ok, text) = stage.online();
    assert!(ok == Some(true) && text.contains("без учётной записи"), "{text}");
    drop(stage.runtime);
}
