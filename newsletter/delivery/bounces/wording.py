"""Why a server refused, by the words it used. Words go before codes: servers say 550 5.1.1 to anything.

`plain` brings a text to small letters without marks, so that the patterns below need not care how somebody quotes,
hyphenates or folds. In it `%a` stands for any mail address, `|` for the end of a clause.
"""

from __future__ import annotations

import re
import unicodedata

from newsletter.delivery.bounces.report import NEVER, Reason

_URL = re.compile(r"\bhttps?:\S+|\bwww\.\S+", re.IGNORECASE)
_GROUPS_SUPPORT = "https://groups.google.com/support"
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@|]{1,64}@(?:[^\s<>()\[\],;:\"\\@|.]|\.(?!\.)){1,253}")
_NO_MAIL_ADDRESS = re.compile(r"\bip[ -]addr(?:ess)?(?:es)?\b")
_APOSTROPHES = re.compile(r"['’`´]")
# "It may not exist, be full or be blocked": who only guesses does not say that it is so for ever.
_GUESS = re.compile(r"\b(?:may|might) (?:no longer|not|also|have|be)\b[^|]*")
_CLAUSE_END = re.compile(r"[;:!?]|\.(?!\d)")
_MARKS = re.compile(r"[^\w%.|]|_|(?<!\d)\.|%(?!a\b)")

_WHO = (
    r"(?:users?|recipients?|mailbox(?:es)?|mail ?box|accounts?|address(?:es|ee)?|e ?mails?|alias|person|customer|"
    r"inbox|addressee|employee|login|destination)"
)
_NAMED = r"(?: name| address| account| id)?(?: %a)?"
_NOT = r"(?:does ?not|doesnt|do ?not|dont|did ?not|didnt|not|no longer)"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# What is said of us, the sender. "Sender address rejected: Domain not found" is no word about the recipient.
_SENDER = _any(
    r"\bsenders? (?:mail )?(?:address|domain|e ?mail|host|ip|mailbox)(?:es|s)?(?: %a)?(?: \|)?(?: is| was|"
    r" has been)? (?:reject|denied|block|refus|invalid|unknown|does ?n|must|not|un|verif|cannot|could ?n|black|domain|"
    r"on |in )",
    r"\bsender(?: %a)? (?:is |was |has been )?(?:reject|denied|block|refus|not (?:allowed|author|accept|permit)|verif)",
    r"\b(?:domain|address) of (?:the )?sender",
    r"\b(?:bad|invalid|unverified|unknown|forged|unresolvable) (?:outbound |envelope )?sender",
    r"\b(?:verify|validate|resolve) (?:the )?(?:envelope )?sender",
    r"\bmail from (?:command |address |domain )?(?:%a )?(?:\| )?(?:does|not|reject|denied|refus|must|domain)",
    r"\breturn ?path (?:address |domain )?(?:%a )?(?:does|not|must|invalid|is)",
    r"\breverse (?:dns|ip|lookup|host|resolution|mapping)|\brdns\b|\bptr\b|\bfcrdns\b",
    r"\bclient host\b|\bunknown client\b|\b(?:ehlo|helo)\b(?! response)|\bfind your (?:reverse |host)|"
    r"\bverify your host",
    r"\byour (?:e ?mail )?address(?: %a)? (?:is|was|has)(?: been)? (?:not|block\w*|reject\w*|list\w*|black\w*)\b",
    r"\b(?:access|connections?|e ?mails?|messages?)(?: \S+){0,3}? (?:forbidden|refused|denied|reject\w*|block\w*|"
    r"accepted)(?: \S+){0,2}? (?:by|from) your\b",
    r"\bpostmaster verif\w+ failed\b|\bverif\w+ failed while checking\b",
    r"\bbatv\b|\bunsigned dsn\b|\b(?:provide|use) a valid (?:from|sender|return path)\b",
    r"\byour (?:ip|host ?name|server|mail ?server|domain|network|isp|client|reverse|mta)(?: \S+){0,5}? (?:is|was|has|"
    r"have|does|not|block\w*|reject\w*|list\w*|unknown|black\w*)\b",
    r"\b(?:sending|connecting) (?:server|host|ip|mta|domain|system|client)\b",
)
_HARVESTING = _any(r"\btoo many (?:unknown|invalid|bad|non ?existent|wrong)\b", r"\bexcessive (?:unknown|invalid)\b")
_RELAYING = _any(
    r"\brelay(?:ing)? (?:access |attempt |mail )?(?:is )?(?:denied|not (?:permitted|allowed)|prohibited|disallowed|"
    r"reject)",
    r"\b(?:unable|not (?:permitted|allowed|authori[sz]ed)|refus\w*|cannot|cant|do ?not|dont|wont) (?:to )?relay",
    r"\brcpt ?hosts\b|\bwe do ?n(?:o?t|) relay|\bnot (?:an? )?open relay|\bno relay(?:ing)?\b|\brelay not permitted",
)
_FULL = _any(
    r"\bover ?quota\b|\b(?:over|exceed\w*|past|above|out of|beyond)(?: \S+){0,6}? (?:quota|storage|disk space|"
    r"mailbox size)\b",
    r"\b(?:quota|storage|mailbox|inbox|disk|mailbox size|maildir)(?: \S+){0,4}? (?:exceed\w*|full|overdrawn|exhausted|"
    r"overflow)",
    r"\b(?:quota|space) (?:violation|limit|error|reached)|\bmailfull\b|\bmailbox ?full\b|\bquotaexceeded",
    r"\b(?:mail)?folder is full\b|\breached(?: \S+){0,3} quota\b|\bspace not enough\b",
    r"\b(?:insufficient|not enough|no|low)(?: \S+){0,2}? (?:space|storage)\b|\bno space left\b|\bfull mailbox\b",
    r"\btoo many (?:messages|mails) (?:in|on) (?:the |this )?(?:mailbox|mail ?drop|disk)|\bmail ?box has (?:too|"
    r"reached)",
    r"\b(?:postfach|speicherplatz|mailbox)(?: \S+){0,4}? (?:voll|überschritten|erschöpft)|\bvolles postfach",
    r"\b(?:boite|boîte|messagerie)(?: \S+){0,4}? (?:pleine|saturée|plein)|\bquota dépassé|\bdépasse(?: \S+){0,3} quota",
    r"\bbuz[oó]n(?: \S+){0,3}? llen[oa]|\bcuota excedida|\bcasella(?: \S+){0,3}? piena|\bcaixa(?: \S+){0,4}? cheia",
    r"переполнен|квота превышена|容量|邮箱(?:已)?满|空间不足|\bskrzynka(?: \S+){0,3}? (?:pełna|przepełniona)",
)
_SURELY_SUSPENDED = _any(r"\bdisabled or discontinued\b")
# Of Google's groups: there may be none, or its members alone may write to it, says their notice in many languages.
_SURELY_POLICY = _any(r"\brecipient preferences\b", r"\bgroups support page\b|\bthe group you tried to contact\b")
_UNKNOWN = _any(
    rf"\b{_WHO}{_NAMED}(?: is| was| are| were)?(?: \|)? "
    r"(?:unknown|unknow|not known|inexistent|non ?existent|nonexistant)\b",
    rf"\b(?:unknown|unrecogni[sz]ed|non ?exist[ae]nt|inexistent|undefined|unrout[e]?able) (?:or \w+ )?(?:local |"
    rf"virtual |e ?mail |mail )?(?:{_WHO}|local part|name)\b",
    r"\b(?:unknown|illegal) (?:or (?:illegal|invalid) )?(?:alias|recipient|user|local)\b|\bunknownuser\b|"
    r"\brecip\w*notfound",
    rf"\bno such (?:an? )?(?:local |virtual |e ?mail |mail |valid )?(?:{_WHO}|name|one|folder|object)\b|"
    rf"\bno such \S+ here\b",
    rf"\bno (?:valid |local )?{_WHO} (?:here |exists? |found |known |registered )*(?:by|with|of|under|at|in|found|"
    rf"exist|for"
    r"|here|named)\b",
    rf"\b{_WHO}{_NAMED}(?: \S+){{0,8}}? {_NOT} exists?\b|\b{_NOT} exists?\b(?: \S+){{0,3}} {_WHO}\b",
    r"\b(?:does ?not?|doesnt) (?:appear to )?exists?\b",
    rf"\b{_WHO}{_NAMED}(?: \S+){{0,4}}? (?:not|cannot be|cant be|could ?not be|couldnt be|wasnt|isnt|arent|werent) "
    r"(?:be )?(?:found|located|recogni[sz]ed|listed|registered|known|identified|defined|resolved|local|matched)\b",
    rf"\b(?:unable to|could ?not|couldnt|cannot|cant|can ?not|failed to|did ?not|didnt) (?:find|locate|look ?up|"
    rf"recogni[sz]e|identify|match)(?: \S+){{0,3}}? {_WHO}\b(?! servers?)",
    r"\bnot (?:our|an?|one of our) (?:current |valid |known |local |active )?(?:customer|user|mailbox|recipient|"
    r"subscriber|member|e ?mail|account|address)|\b(?:isnt|is not) (?:an? )?(?:valid|known) (?:user|mailbox|recipient|"
    r"account|local)",
    rf"\b(?:does ?not|doesnt|do ?not|dont) have (?:an?|any|such)(?: \S+){{0,3}}? {_WHO}\b|\b(?:has|"
    rf"have) no (?:mailbox|account)",
    rf"\b{_WHO}{_NAMED}(?: \S+){{0,4}}? (?:no longer|not any ?more) (?:exists?|available|valid|works?|in (?:use|"
    rf"service)|used|a\b|accepts?|"
    r"accessible|here|maintained|monitored|registered|on|receiv)",
    rf"\b{_WHO}{_NAMED}(?: \S+){{0,3}}? (?:has been|have been|was|were|been|is|are) (?:permanently )?(?:deleted|"
    rf"removed|"
    r"cancel+ed|closed|terminated|discontinued|deregistered|unregistered|obsolete|retired)\b",
    r"\b(?:bad|incorrect|wrong) (?:destination )?(?:mailbox|e ?mail|user|recipient) ?(?:address|"
    r"name)?(?: syntax)?\b(?! sequence)|\bbad destination mailbox\b",
    r"\bunrout[e]?able address\b|\bmailbox name not (?:allowed|found|known)\b|\bnot in (?:our |"
    r"the )?(?:user )?database\b",
    r"\b(?:delivery address|address|user|recipient) lookup (?:failed|failure)|\brecipient lookup fail|"
    r"\bnobody (?:here )?by that|\baddress not (?:found|listed|known)\b|\bnot listed in(?: \S+){0,3}? (?:directory|"
    r"address book)|\buser doesnt\b",
    r"\bdid not (?:exactly )?match an?(?: \S+){0,3} (?:address|user|account|mailbox)\b|"
    r"\bno match(?:es)? to name ?server query\b",
    r"\bdoes ?n(?:o|)t work here\b|\bno mailbox here\b|\bnot a (?:local )?(?:mailbox|user|recipient)\b|"
    r"\bmailnotfound\b",
    r"\b(?:valid|bad) ?(?:rcpt|recipient) ?to\b|\bmissing home directory\b|\bno ?one at this address\b|"
    r"\bno \S+ in name directory\b|\binvalid final delivery userid\b|%a (?:was |is )?not found\b|"
    r"\bno mail ?box available\b|"
    r"\bnot present in (?:the |our )?directory\b",
    r"\bvalid ?rcptto\b|\brecipient cannot be verified\b|\buser does ?not live\b|"
    r"\baccount (?:closed|deleted|removed)\b",
    # Other languages. Without \b where a script has no spaces.
    r"\b(?:benutzer|empfänger|adresse|postfach|nutzer|teilnehmer|account|konto)(?: \S+){0,5}? (?:unbekannt|"
    r"existiert (?:hier )?nicht|nicht (?:gefunden|bekannt|vorhanden|gültig)|nicht existiert|ungültig)|"
    r"\bunbekannte[rn]? (?:empf|benutz|nutzer|adress)|\bexistiert nicht\b|\bkein(?:e|en)? (?:postfach|mailbox|"
    r"benutzer)\b",
    r"\b(?:utilisateur|destinataire|adresse|bo[iî]te|compte)(?: \S+){0,4}? (?:inconnue?|inexistante?|introuvable|"
    r"invalide)|\b(?:ne?x?iste|existe) pas\b|\bnexiste (?:pas|plus)\b",
    r"\b(?:usuario|destinatario|direcci[oó]n|cuenta|buz[oó]n)(?: \S+){0,4}? (?:desconocid[oa]|inexistente|"
    r"inv[aá]lid[oa])|\bno existe\b|\b(?:utente|destin(?:atario)?|indirizzo|casella)(?: \S+){0,4}? (?:sconosciut[oa]|"
    r"inesistente)|\bnon esiste\b|\bnessun utente\b",
    r"\b(?:usu[aá]rio|destinat[aá]rio|endere[cç]o|conta|caixa postal)(?: \S+){0,4}? (?:desconhecid[oa]|inexistente|"
    r"inv[aá]lid[oa])|\bn[aã]o existe\b|\b(?:gebruiker|geadresseerde|adres)(?: \S+){0,3}? (?:onbekend|bestaat niet)",
    r"\bonbekende gebruiker|\bbestaat niet\b|\bnie istnieje\b|\bnieznany (?:odbiorca|użytkownik)|\b(?:okänd|ukjent|"
    r"ukendt) |\bfinns inte\b|\bfindes ikke\b|\bfinnes ikke\b|\bneexistuje\b|\bbulunamadı\b",
    # "…か": or something else. Who cannot say which does not say this.
    r"宛先不明|(?:宛先|あて先|ユーザー?|アドレス|受信者)[^|]{0,40}見つか(?:りません|らない(?!か))|存在しません|"
    r"存在しない(?!か)|ディレクトリ[^|]{0,20}(?:見つか|あ)りません|ありませんでした|"
    r"不存在|查无此|無此(?:用戶|使用者)|无此用户|존재하지 않",
    r"пользователь не найден|не существует|нет такого (?:пользователя|адреса)|неизвестный (?:пользователь|получатель)|"
    r"адресат не найден|не найден",
)
_HOST = _any(
    r"\bhost (?:or domain )?(?:name )?(?:unknown|not (?:found|known)|lookup (?:failed|failure|error)|does ?n(?:o|"
    r")t exist)\b",
    r"\bunknown (?:mail |destination )?(?:host|domain)\b|\bhost(?: \S+){0,2} (?:unknown|not found)\b|"
    r"\bno such (?:host|domain)\b",
    r"\b(?:domain|host) ?name (?:not (?:found|known)|lookup fail|does ?n|invalid|is invalid|error)|\bhost ?unknown\b",
    r"\bdomain(?: \S+){0,3}? (?:does ?not exist|doesnt exist|not (?:found|exist|known|registered)|unknown|is invalid|"
    r"invalid|could ?not be found|couldnt be found|cannot be found|non ?existent|isnt valid|has expired)\b",
    r"\bnx ?domain\b|\bnonexistentdomain\b|\bnon ?exist[ae]nt (?:domain|hosts?|mail ?server)\b|"
    r"\bname or service not known\b",
    r"\b(?:couldnt|could ?not|cannot|cant|unable to) (?:find|resolve|locate)(?: \S+){0,3}? (?:host|domain|"
    r"mail exchanger|mx)\b",
    r"\bno (?:valid |usable )?(?:mx|mail exchanger|dns|a)(?: or \w+)*(?: host| records?)? (?:records? )?(?:found|for|"
    r"exist|known)\b|\bno (?:mx|dns) records?\b|\bno mail hosts? for\b|"
    r"\bno (?:ip|address(?:es)?) (?:associated|found for host)",
    r"\bunrout[e]?able (?:mail )?domain\b|\ball host address lookups failed permanently\b|\bbad destination (?:host|"
    r"system)",
    r"\bdomain must exist\b|\b(?:check|verify) the domain(?: name)? and (?:try|send|resend)\b|"
    r"\bcould not find a gateway for\b|"
    r"\billegal host\b|\b(?:invalid|illegal|malformed|bad) (?:destination |recipient |host |mail )?(?:domain|"
    r"host) ?(?:name)?\b|\bmx records point to non ?existent\b|\b(?:domain|domaine|dominio|"
    r"dom[ií]nio)(?: \S+){0,3}? (?:inconnu|introuvable|no existe)",
)
_TAKES_NONE = _any(
    r"\bnull ?mx\b|\bno smtp service\b(?! \d{3} )|\b(?:mx or srv|mx) record indicated no\b|\bdomain accepts no mail\b",
    r"\b(?:domain|host|site|machine|server)(?: \S+){0,4}? (?:does ?not|doesnt|never|will not|wont|"
    r"is not configured to|no longer) (?:accepts?|receives?|handles?|takes?|process)(?: \S+){0,2}? (?:e ?mail|mail|"
    r"messages)\b",
    r"\b5(?:21|56)\b(?: \S+){0,8}? (?:not accept|accepts no) (?:any )?(?:e ?mail|mail)\b",
    r"\b(?:takes|accepts|receives) no (?:e ?mail|mail)\b|\bno mail (?:is )?accepted (?:here|at this)\b",
)
_MOVED = _any(
    r"\b(?:user|recipient|account|mailbox|person|address|customer|addressee)(?: %a)? (?:has|have|had|"
    r"was)(?: been)? (?:permanently )?(?:moved|relocated|changed|left|migrated)\b",
    r"\bhas (?:moved to|changed (?:his|her|their|its|the)? ?(?:e ?mail|address))|\bno longer (?:at|with|employed|"
    r"works)\b|\baddress has changed\b|\bhas left (?:the |our |this )?(?:company|organi[sz]ation|university)",
)
_SUSPENDED = _any(
    rf"\b{_WHO}{_NAMED}(?: \S+){{0,6}}? (?:disabled|suspended|inactive|deactivated|frozen|blocked|locked|expired|"
    rf"dormant|"
    r"not (?:active|activated|enabled)|on hold|restricted|no longer active|temporarily (?:unavailable|closed))\b",
    rf"\b(?:disabled|suspended|inactive|deactivated|frozen|"
    rf"locked|dormant|expired) {_WHO}\b|\breceiving (?:is )?disabled\b|\bnot accepting (?:any )?"
    r"(?:messages|mail|e ?mail)\b|\binactivity\b|\bboîte(?: \S+){0,3}? désactivée|\bkonto(?: \S+){0,3}? (?:gesperrt|"
    r"deaktiviert)",
)
# Each of these may pass by itself, or is ours to mend.
_PASSING = (
    (Reason.AUTHENTICATION, _any(r"\bdmarc\b|\bspf\b|\bdkim\b|\bunauthenticated\b|\bauthentication (?:check|fail|"
                                 r"requir)|\bauthenticat\w+ (?:is )?required|\bsender id\b|\bstarttls\b|"
                                 r"\btls (?:required|"
                                 r"is req)")),
    (Reason.SPAM, _any(r"\bspam|\bjunk\b|\bbulk ?mail|\bunsolicited|\bblack ?list|\bblock ?list|\bdnsbl\b|\brbl\b|"
                       r"\breputation|\bsuspicious|\bphish|\bspamhaus|\bbarracuda|\bproofpoint|\bcloudmark|"
                       r"\blisted (?:in|at|by|"
                       r"on)\b")),
    (Reason.CONTENT, _any(r"\bvirus|\bmalware|\binfected|\bviral\b|\battachment|\bbanned|\bprohibited content|"
                          r"\bcontent (?:reject|filter|policy|restrict|not)|\bmessage content|\bexecutable|"
                          r"\bheader (?:error|syntax|missing)"
                          r"|\bnot rfc|\brfc (?:2822|5322)|\bmime\b|\bbare (?:lf|cr|line)|\b8 ?bit\b|\bconversion\b")),
    (Reason.RATE, _any(r"\btoo many\b|\brate ?limit|\brate that\b|\bthrottl|\btoo (?:much|fast|frequent|quickly)|"
                       r"\bexceed\w*"
                       r"(?: \S+){0,4}? (?:rate|connections|recipients|hourly|daily|messages)|\btoo many connections")),
    (Reason.SIZE, _any(r"\bmessage(?: \S+){0,4}? (?:too (?:big|large|long)|exceed\w*)|\btoo (?:big|large)\b|"
                       r"\bsize limit|\bmax(?:imum|\.)? (?:allowed )?(?:message )?size|\bmessage size|\bmessage length|"
                       r"\bzu (?:groß|"
                       r"gross)\b")),
    (Reason.POLICY, _any(r"\bgr[ae]y ?list|\bpolic(?:y|ies)\b|\bnot (?:authori[sz]ed|permitted|allowed) to (?:send|"
                         r"e ?mail|mail|post)|\bprohibited\b|\brestricted\b|\bsecurity (?:reason|polic)|"
                         r"\bnot ?authori[sz]ed\b|\bauthrequired|\bcomplaint|\bunsubscribe|\bsuppress(?:ed|ion)|"
                         r"\bblocked\b|\bmessage (?:was )?(?:rejected|refused)"
                         r"|\bmoderat|\bonly (?:accepts|members|subscribers)|\bnot (?:accepted )?from\b")),
    (Reason.EXPIRED, _any(r"\bexpired\b|\bretry time(?:out)? (?:not )?(?:exceeded|reached)|\bgiving up\b(?! on \d)|"
                          r"\btoo (?:long|old)\b|\b(?:unable|not|"
                          r"been) (?:to )?(?:be )?deliver\w*(?: \S+){0,4}? (?:days?|hours?)\b|\bqueue too long"
                          r"|\b(?:delivery )?time ?(?:exceeded|expired)\b|\bretry timeout")),
    (Reason.NETWORK, _any(r"\btimed? ?out\b|\bconnection (?:refused|reset|lost|dropped|closed|failed|failure|"
                          r"attempt)|\bno route\b|\bunreachable|\bhops?\b|\bloop(?:s|ing|back|ed)?\b|"
                          r"\bnetwork (?:error|problem|failure)|\bdns (?:error|failure|lookup|server|query)|"
                          r"\bno answer\b|\bnot responding|\bname server|\bdid ?not respond|\b(?:unable|could ?not|"
                          r"couldnt|cannot|failed) (?:to )?connect|\bconnect to\b|"
                          r"\bmail for .* loops")),
    (Reason.SYSTEM, _any(r"\blocal (?:error|configuration)|\bsystem (?:error|full|not|resources|problem)|"
                         r"\binternal (?:server )?error|\bserver error|\bmaintenance|\bout of memory|"
                         r"\bcommand (?:died|failed|line)|\bunexpected|\bservice (?:unavailable|not)|\btemporar|"
                         r"\btry (?:again )?later|\bmailer error|\bcannot open|"
                         r"\bpermission")),
)  # fmt: skip
# Words that may stand beside any reason, so they count after all others.
_UNKNOWN_IF_NOTHING_ELSE = _any(r"\binvalid (?:recipient|mailbox)\b")
# These may mean anything, so they count only where neither other words nor a telling status say more.
_HINTS_OF_UNKNOWN = _any(
    r"\b(?:mailbox|account) (?:is )?(?:unavail?able|unavaiable|not available)\b(?! or access)|"
    r"\brejected recipients\b|\bmailbox not\b|\bunavailable (?:mail )?(?:user|recipient)\b|%a (?:is )?not (?:in )?use"
    r"d?\b",
    r"\b(?:invalid|bad|incorrect|wrong|undeliverable) (?:recipient|mailbox|e ?mail|user|destination|rcpt|address)\b",
    rf"\b(?:recipient|mailbox|user|e ?mail|addressee|rcpt|to)(?: address)?{_NAMED}(?: \|)?(?: is| was|"
    rf" has been)? (?:(?<!user )reject|refus|invalid|"
    r"not (?:accepted|valid|ok|deliverable)|denied|undeliverable|unavailable(?! to take| or access)|isnt valid)",
    r"\baddress(?: %a)?(?: is| was)? (?:rejected|refused|invalid|not valid|undeliverable|unavailable|deny|denied)\b",
    r"\bno valid recipients?\b|\bnot (?:a )?valid (?:e ?mail|address|recipient)\b|\b(?:user|recipient) unavailable\b",
    r"\bcan(?:t|not) accept user\b|"
    r"\bcannot (?:accept|deliver) (?:mail |messages? )?(?:to|for) (?:%a|(?:this|that|the) (?:address|recipient|user|"
    r"mailbox))\b",
)
# Advice is no promise: "check the address and try again".
_ADVICE = _any(r"\b(?:check|verify|correct|confirm)\b[^|]{0,60}? and (?:then )?(?:try|send|resend)\b(?: \w+)? again\b")
_AGAIN = _any(
    r"\btry(?:ing)? again\b|\btemporar|\blater\b|\bunverified\b|\btime ?(?:d )?out\b|\brefused\b|\bservfail\b|"
    r"\bretry\b|\bin progress\b"
)

_ORDER = (
    (Reason.SENDER, _SENDER),
    (Reason.RATE, _HARVESTING),
    (Reason.RELAYING, _RELAYING),
    (Reason.MAILBOX_FULL, _FULL),
    (Reason.SUSPENDED, _SURELY_SUSPENDED),
    (Reason.POLICY, _SURELY_POLICY),
    (Reason.TAKES_NO_MAIL, _TAKES_NONE),
    (Reason.HOST_UNKNOWN, _HOST),
    (Reason.USER_UNKNOWN, _UNKNOWN),
    (Reason.MOVED, _MOVED),
    (Reason.SUSPENDED, _SUSPENDED),
    *_PASSING,
    (Reason.USER_UNKNOWN, _UNKNOWN_IF_NOTHING_ELSE),
)


def plain(text: str) -> str:
    """Give a text as the patterns want it."""
    text = unicodedata.normalize("NFKC", text).lower().replace(_GROUPS_SUPPORT, " groups support page ")
    text = _NO_MAIL_ADDRESS.sub("ip", _ADDRESS.sub(" %a ", _URL.sub(" ", text)))
    text = _CLAUSE_END.sub(" | ", _APOSTROPHES.sub("", text))
    # IronPort's own words for every 5.1.0, whatever the server said, which it quotes behind them.
    return " ".join(_MARKS.sub(" ", text).split()).replace("unknown address error", "|")


def reason(said: str) -> Reason | None:
    """Give why, by the words of a text that went through `plain`; None where they do not tell."""
    sure = _GUESS.sub("|", said)
    return next((why for why, words in _ORDER if words.search(sure if why in NEVER else said)), None)


def hints_of_unknown(said: str) -> bool:
    """Tell whether a text has words that often, but not always, mean an unknown user."""
    return _HINTS_OF_UNKNOWN.search(_GUESS.sub("|", said)) is not None


def may_pass(said: str) -> bool:
    """Tell whether a text asks to try again, or names a fault that comes and goes."""
    return _AGAIN.search(_ADVICE.sub(" ", said)) is not None
