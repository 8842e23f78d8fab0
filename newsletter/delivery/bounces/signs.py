"""By what a mail shows that a machine sent it back, or that it is an answer, a receipt or ordinary mail."""

from __future__ import annotations

import re

from newsletter.delivery.bounces.mail import Part

_DAEMON = re.compile(
    r"(?:^|[<\"\s(])(?:mailer[-_. ]?daemon|mail[-_. ]?daemon|maildaemon|mdaemon|post[-_. ]?master|mailsystem|"
    r"mail[-_.]system|microsoftexchange[0-9a-f]*|double-bounce|bounces?|nondelivery|non-delivery|smtp[-_]?daemon|"
    r"smtpgateway|mmdf|ndr|mail[-_.]?delivery[-_. ]?(?:sub)?system|bounce-?(?:handler|notification)s?|"
    r"delivery[-_.]?(?:status|failure|report)s?|mailerdaemon|mailer)(?:[+-][^@\s]{0,60})?(?:\\?@|$|>|\")|"
    r"\b(?:internet |intermail )?mail delivery (?:sub)?(?:system|service)|"
    r"\bmail(?:er)? (?:system|administrator|daemon)\b|\bsystem administrator\b|"
    r"\bdelivery (?:sub)?system\b|\bmail server\b|\bpostmaster\b",
    re.IGNORECASE,
)
# Names that only programs have; a postmaster may be a person, or a newsletter.
_SURELY_DAEMON = re.compile(
    r"mail(?:er)?[-_. ]?daemon|\bmdaemon\b|mail delivery (?:sub)?system|system administrator|mail administrator|"
    r"^[\s\"<]*post ?master\b",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"undeliver|^mail error|error sending|メールエラー|エラー通知|"
    r"mail delivery warning|error during delivery|failed (?:e-?)?mail|"
    r"non[- ]?deliver|\bnot deliver|returned? (?:e-?mail|mail|message|to sender)|mail returned|"
    r"message returned|failure notice|delivery (?:status )?(?:notification|notice|report|failure|failed|error|problem|"
    r"has failed|incomplete)|deliver(?:y|ing)?.{0,40}\b(?:fail|problem|error|unsuccessful|delayed|impossible)|"
    r"fail(?:ed|ure).{0,30}\bdeliver|mail (?:delivery )?(?:failure|failed|error|problem|system error|status report)|"
    r"(?:could|can) ?not (?:be )?(?:deliver|sen[dt])|unable to deliver|unknown (?:user|recipient|address)|"
    r"user unknown|mail could not|message could not|address not found|rejected mail|bounced? (?:mail|message)|"
    r"message bounced|unzustellbar|nicht (?:zustellbar|zugestellt|ausgeliefert)|zustell(?:ung|barkeit|fehler)|"
    r"rückläufer|non remis|non (?:délivr|distribu|livr)|échec (?:de|d'|du)|avis de non|remise|no (?:se ha )?(?:podido|"
    r"pudo|se pudo) entregar|no entregad|devuelto|error de entrega|mancat[ao] (?:consegna|recapito)|"
    r"impossibile (?:consegnare|recapitare)|não (?:pôde ser )?entreg|falha (?:na|de) entrega|onbestelbaar|"
    r"niet (?:afgeleverd|bezorgd)|niedostarczon|zwrot|недоставлен|не доставлен|"
    r"невозможно доставить|配信(?:不能|できません|エラー|"
    r"に失敗)|送信できません|届けられません|退信|投递失败|无法(?:送达|投递)|"
    r"系统退信|반송|(?:mail|message) (?:delayed|warning)|\bdelayed (?:mail|"
    r"delivery)|warning: (?:could not send|message)|still being retried",
    re.IGNORECASE,
)
_SUCCEEDED = re.compile(
    r"\b(?:success\w*|relayed|was delivered|has been delivered|delivered successfully|erfolgreich|"
    r"réussi\w*)\b(?!.*fail)",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"^\s*(?:re|aw|fwd?|wg|tr|sv|vs|antw|rif|res|enc|rv)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_AWAY = re.compile(
    r"out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:re(?:ply|sponse)|respon[ds]e?r?)|\bvacation\b|\bon (?:leave|"
    r"holiday)\b|\baway from\b|\bautoreply\b|abwesen|automatische antwort|nicht (?:im büro|erreichbar|im haus)|urlaub|"
    r"absen(?:ce|t)|réponse automatique|congés?\b|en vacances|fuera de (?:la )?oficina|respuesta autom|ausencia|"
    r"fuori (?:sede|ufficio)|risposta automatica|assente|assenza|resposta autom|ausência|férias|afwezig|niet aanwezig|"
    r"automatisch antwoord|frånvar|autosvar|automaattinen|poissa|fravær|automatisk svar|poza biurem|nieobecn|"
    r"автоответ|отсутств|вне офиса|自動(?:応答|返信|回复|回覆)|自动(?:回复|"
    r"答复)|不在|부재중|자동 ?(?:응답|회신)|yanıt|ofis dışı",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"(?:could|can|was|were|has|have)(?: ?not|n'?t)(?: yet)?(?: be| been| able to)? (?:deliver|sent|reach|accept|"
    r"process)|undeliverable|undelivered|(?:unable|failed|not possible|impossible) to (?:deliver|send|reach)|"
    r"deliver\w*.{0,60}fail|fail\w*.{0,60}deliver|permanent(?:ly)? (?:fail|error|fatal)|fatal error|"
    r"(?:has|have) been returned|failed recipients|returned (?:to|"
    r"below|mail)|trouble delivering|"
    r"did not reach|not (?:been )?delivered|bounced|rejected|refused|user unknown|unknown user|not a valid (?:user|"
    r"recipient|address|mailbox)|"
    r"delivery (?:error|problem|attempt)|will be retried|keep trying|nicht (?:zugestellt|zustellbar|ausgeliefert)|"
    r"unzustellbar|n'a pas (?:pu|été)|non remis|no se (?:ha )?(?:pudo|podido)|non è stato|não (?:pôde|foi)|"
    r"не (?:может|удалось|доставлено)|届けられ|送信できま|配信でき|"
    r"无法|退回|(?:^|\D)[45][0-5]\d[ -](?:#?[45]\.\d\.\d|\w)",
    re.IGNORECASE,
)
_COPY = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_BULK = ("list-id", "list-unsubscribe", "list-post")
_REPLY = re.compile(
    r"\b[45][0-5]\d[ -]{1,3}#?[45]\.[0-7]\.\d|\(#[45]\.\d\.\d\)|\b(?:said|response was|returned).{0,80}\b[45][0-5]\d\b"
)
_FUNCTION = re.compile(
    r"\b(?:root|admin|administrator|system|mail|notes|domino|lotus|exchange|gateway|smtp|server|imss)[\w-]*@|"
    r"(?:anti-?virus|smtp|gateway|mail[_-]?service|mail[_-]?server|relay)[\w-]*@",
    re.IGNORECASE,
)
_NO_REPLY = re.compile(r"no-?reply@", re.IGNORECASE)
_ENOUGH = 5


def is_receipt(leaves: list[Part]) -> bool:
    """Tell whether a mail says that another was opened or thrown away (RFC 8098)."""
    return any(leaf.kind in {"message/disposition-notification", "message/global-disposition-notification"}
               for leaf in leaves)  # fmt: skip


def rejects(mail: Part) -> bool:
    """Tell whether a filter at the recipient's (RFC 5429) sent a message back, in the form of a receipt."""
    return "rejected" in mail.header("auto-submitted").lower() and from_daemon(mail)


def is_automatic_answer(mail: Part) -> bool:
    """Tell whether a person's mail program answered: out of office, thanks for your mail (RFC 3834)."""
    if from_daemon(mail) and subject_of_a_bounce(mail):
        return False
    named = any(name in mail.headers for name in ("x-autoreply", "x-autorespond", "x-auto-response-from"))
    precedence = mail.header("precedence").strip().lower()
    return named or precedence == "auto_reply" or bool(_AWAY.search(mail.header("subject")))


def from_daemon(mail: Part) -> bool:
    """Tell whether a mail server, by its name or as nobody, wrote a mail."""
    return bool(_DAEMON.search(mail.header("from"))) or _as_nobody(mail) or "x-failed-recipients" in mail.headers


def _as_nobody(mail: Part) -> bool:
    """Tell whether the author is the empty address (`From: <>`): no person, and no newsletter, writes as that."""
    return mail.header("from").rstrip().endswith("<>")


def subject_of_a_bounce(mail: Part) -> bool:
    """Tell whether the subject is one that mail servers give to what they return."""
    subject = mail.header("subject")
    return bool(_RETURNED.search(subject)) and not _ANSWER.match(subject)


def reports_success(mail: Part) -> bool:
    """Tell whether the subject says that a message has arrived."""
    return bool(_SUCCEEDED.search(mail.header("subject")))


def is_likely_a_bounce(mail: Part, leaves: list[Part], notice: str, *, names_somebody: bool) -> bool:
    """Weigh whether a mail without a report that programs can read is a bounce all the same.

    No single sign does: a postmaster writes letters, newsletters have bounces as their subject, people pass them on.
    `names_somebody`: the notice has a heading under which addresses stand.
    """
    daemon, subject = from_daemon(mail), subject_of_a_bounce(mail)
    surely = bool(_SURELY_DAEMON.search(mail.header("from"))) or _as_nobody(mail)
    report = is_a_report(mail)
    of_a_list = any(name in mail.headers for name in _BULK)  # a list may pass bounces on, but daemons post on none
    if _ANSWER.match(mail.header("subject")) or not (surely if of_a_list else daemon or subject or report):
        return False
    sender = mail.header("from").strip()
    nobody = mail.header("return-path").replace(" ", "") == "<>" or not sender or _as_nobody(mail)
    copy = any(leaf.kind in _COPY for leaf in leaves)
    failed, reply = bool(_FAILED.search(notice[:8000])), bool(_REPLY.search(notice[:8000]))
    # Any program may write as no-reply; one that returns our message is a carrier's mail server.
    function = bool(_FUNCTION.search(mail.header("from")) or (copy and _NO_REPLY.search(mail.header("from"))))
    points = (
        3 * daemon + surely + 3 * report + 2 * subject + 2 * nobody + copy + failed + reply + function + names_somebody
    )
    return (failed or (daemon and subject)) and (daemon or nobody or function) and points >= _ENOUGH


def is_a_report(mail: Part) -> bool:
    """Tell whether a mail calls itself a delivery report, whatever became of its parts (RFC 6522)."""
    said = mail.header("content-type").lower().replace('"', "")
    return mail.kind == "multipart/report" and "report-type=delivery-status" in said
