//! Texts that try to break what stands around them: HTML, Telegram, headers, sheets.

/// Over 200 hostile texts, each of them once.
pub fn hostile() -> Vec<String> {
    let seeds = [
        "<script>alert(1)</script>",
        "</b></a></td>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=1>",
        "' onmouseover='x",
        "&lt;b&gt;",
        "&",
        "&#60;",
        "&unknown;",
        "<",
        ">",
        "<<>>",
        "<b",
        "</",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<tg-spoiler>",
        "<pre><code>",
        "{{7*7}}",
        "{% raw %}",
        "${x}",
        "%0d%0aBcc: a@example.org",
        "x\r\nBcc: a@example.org",
        "x\nX-Evil: 1",
        "x\r\n\r\n<html>",
        "a\u{2028}b\u{2029}c",
        "\0nul\0",
        "\u{202E}gnp.exe",
        "\u{2066}iso\u{2069}",
        "\u{200B}zero\u{FEFF}",
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "＝1+1",
        "*bold* _it_ [x](y)",
        "```code```",
        "=?utf-8?B?PGI+?=",
        ".\r\n.\r\nQUIT",
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
        "Z\u{0335}\u{0336}algo",
        "</style><style>*{}",
        "<table><tr><td>",
        "?><?xml version='1.0'?>",
        "<w:p>",
        "\u{FFFE}\u{FFFF}",
    ];
    let mut all = Vec::new();
    for seed in seeds {
        all.push(seed.to_owned());
        all.push(format!("Третий день {seed} нет тепла"));
        all.push(seed.repeat(40));
        all.push(format!("{seed}{}", "ы".repeat(300)));
        all.push(format!("{seed}\r\n{seed}\t{seed}"));
    }
    all.sort();
    all.dedup();
    assert!(all.len() >= 200, "only {} payloads", all.len());
    all
}
