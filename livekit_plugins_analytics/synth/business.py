"""The business whose calls are invented: its agents, their models and tools, and its callers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Model:
    """A model as LiveKit reports it, and how fast it is."""

    kind: str
    provider: str
    model: str
    seconds: float
    """Median to the first token, the first sound or the transcript."""
    spread: float = 0.35
    """Standard deviation of the logarithm."""


@dataclass(frozen=True)
class Tool:
    """A tool, and what its calls look like."""

    name: str
    seconds: float
    failing: float
    """The share of calls that fail."""
    argument: str
    values: tuple[str, ...]
    result: str
    annotates: bool = False
    """Whether it says who booked what."""


@dataclass(frozen=True)
class Stack:
    """The models that an agent ran with for a while."""

    llm: Model
    stt: Model | None = None
    tts: Model | None = None

    @property
    def realtime(self) -> bool:
        """One model hears and speaks."""
        return self.stt is None


@dataclass(frozen=True)
class Desk:
    """An agent, what it talks about and how its calls go."""

    agent: str
    share: float
    stacks: tuple[Stack, ...]
    tools: tuple[Tool, ...]
    states: tuple[str, ...]
    median_turns: float
    sip: float
    """The share of its callers that telephone; the others come from the web."""
    signals: bool = False
    first_agent: str | None = None
    """Who answers before it."""
    questions: tuple[str, ...] = field(default=())
    answers: tuple[str, ...] = field(default=())


GPT_MINI = Model("llm", "api.openai.com", "gpt-4o-mini", 0.38)
GPT = Model("llm", "api.openai.com", "gpt-4.1", 0.52)
CLAUDE = Model("llm", "Anthropic", "claude-haiku-4-5", 0.61)
GEMINI = Model("llm", "google", "gemini-2.5-flash", 0.44, 0.5)
REALTIME = Model("llm", "api.openai.com", "gpt-realtime", 0.42)
OWN_LLM = Model("llm", "llm.acme.internal", "acme-8b", 0.29, 0.55)
NOVA = Model("stt", "Deepgram", "nova-3", 0.28)
FLUX = Model("stt", "Deepgram", "flux-general-en", 0.17)
FLASH = Model("tts", "ElevenLabs", "eleven_flash_v2_5", 0.19)
SONIC = Model("tts", "Cartesia", "sonic-3", 0.14)
AURA = Model("tts", "Deepgram", "aura-2", 0.24)

COMPANIES = ("Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vandelay", "Wonka", "Stark")
PEOPLE = (
    "Ana Ruiz",
    "Ben Okafor",
    "Chloé Martin",
    "Dmitri Volkov",
    "Elif Şahin",
    "Farah Aziz",
    "George O'Neil",
    "Hana Sato",
    "Ivan Petrov",
    "Julia Weiß",
    "Kofi Mensah",
    "Lena Lindström",
)
TEAM_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 40, 60, 120)
VOLUMES = (4, 10, 20, 40, 60, 87, 100, 150, 200, 350, 500, 1200)
INTEGRATIONS = (
    "salesforce",
    "hubspot",
    "slack",
    "google_drive",
    "zapier",
    "pipedrive",
    "microsoft_dynamics",
    "docusign",
    "api",
)
PAINS = (
    "manual process",
    "slow turnaround",
    "errors",
    "no visibility",
    "version control",
    "approval delays",
    "cost",
)
USE_CASES = ("sales_proposals", "contracts", "quotes", "invoices", "ndas", "hr_documents")
URGENCIES = ("high", "medium", "low")
INDUSTRIES = ("software", "healthcare", "real_estate", "legal", "finance", "construction", "retail")

SALES = Desk(
    agent="sales",
    share=0.5,
    stacks=(Stack(GPT_MINI, NOVA, FLASH), Stack(GPT, NOVA, FLASH), Stack(GPT, FLUX, SONIC)),
    tools=(
        Tool("lookup_company", 0.35, 0.03, "name", COMPANIES, "found, 1 match"),
        Tool("check_calendar", 0.6, 0.06, "day", ("Monday", "Tuesday", "Friday"), "3 free slots"),
        Tool("book_sales_meeting", 0.9, 0.08, "slot", ("10:00", "14:30"), "booked", True),
        Tool("update_crm", 1.4, 0.12, "stage", ("qualified", "nurture"), "saved"),
    ),
    states=("GREETING", "DISCOVERY", "PROPOSAL", "NEXT_STEPS"),
    median_turns=10,
    sip=0.7,
    signals=True,
    first_agent="greeter",
    questions=(
        "How do you handle that today?",
        "Who else takes part in the decision?",
        "Would you like to see it in a short demo?",
        "When would you want to start?",
    ),
    answers=(
        "mostly my manager and me",
        "we have looked at two other vendors",
        "sure, send me something by email",
        "sometime next quarter I think",
    ),
)
SUPPORT = Desk(
    agent="support",
    share=0.28,
    stacks=(Stack(CLAUDE, NOVA, SONIC), Stack(GEMINI, FLUX, AURA)),
    tools=(
        Tool("search_knowledge_base", 0.5, 0.02, "query", ("reset", "invoice", "login"), "4 hits"),
        Tool("create_ticket", 0.8, 0.05, "priority", ("low", "normal", "high"), "created"),
        Tool("transfer_to_human", 2.6, 0.22, "queue", ("tier-2", "billing"), "transferred"),
    ),
    states=("GREETING", "DIAGNOSIS", "RESOLUTION"),
    median_turns=7,
    sip=0.45,
    questions=(
        "What happens when you try to sign in?",
        "Could you read me the number on the invoice?",
        "Does it work in another browser?",
    ),
    answers=(
        "it says my session has expired",
        "one moment, I need to find it",
        "no, it is the same everywhere",
    ),
)
RECEPTION = Desk(
    agent="reception",
    share=0.16,
    stacks=(Stack(REALTIME),),
    tools=(
        Tool("find_slot", 0.4, 0.04, "day", ("Monday", "Wednesday", "Thursday"), "2 slots"),
        Tool("book_appointment", 0.7, 0.07, "slot", ("09:15", "11:00"), "booked", True),
    ),
    states=("GREETING", "BOOKING"),
    median_turns=5,
    sip=0.95,
    questions=("Have you been here before?", "Would a morning suit you?"),
    answers=("yes, last spring", "mornings are best for me"),
)
SURVEY = Desk(
    agent="survey",
    share=0.06,
    stacks=(Stack(OWN_LLM, NOVA, AURA),),
    tools=(Tool("store_answer", 0.1, 0.01, "score", ("1", "3", "5"), "stored"),),
    states=("QUESTIONS",),
    median_turns=4,
    sip=1.0,
    questions=("From one to five, how was the delivery?", "Would you recommend us?"),
    answers=("a four, I would say", "I guess so, yes"),
)
DESKS = (SALES, SUPPORT, RECEPTION, SURVEY)
