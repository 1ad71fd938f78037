"""What takes an affirmation away, in English: data for `scope`. All in RE2 syntax.

The method is ConText's (Harkema et al. 2009; medspacy carries its rules for clinical text):
triggers with a direction, a reach, pseudo-triggers that only look like one, and terminators.
"""

from __future__ import annotations

# A word that starts a new clause, wherever it stands.
BREAKS = (
    r"but|however|although|though|except|because|whereas|while|yet|otherwise|instead we|so we|so i|"
    r"so it'?s?|and (?:we|i|it|it's|they|our|my|now|we're|i'm|we've|there's|there|that's|you)|"
    r"or (?:we|i|we're)",
    r"(?:we're|we've|i'm|i've|we|i) (?:now |actually |currently |already |just |mostly |only |still )*"
    r"(?:use|have|need|run|got|want|do|send|are|am|use|handle|rely)",
    r"(?:we're|we've|i'm|i've|we'd|it's|there's|that's|they're)",
)
# Before a pronoun, these words carry the clause on: "I don't think we need Slack".
CONTINUES = frozenset(
    [
        "think",
        "believe",
        "that",
        "if",
        "what",
        "when",
        "because",
        "say",
        "guess",
        "sure",
        "suppose",
        "imagine",
        "since",
        "unless",
        "once",
        "until",
        "where",
        "how",
        "why",
        "whether",
        "than",
        "as",
        "know",
        "feel",
        "see",
        "mean",
        "do",
        "are",
        "should",
        "could",
        "can",
        "would",
        "did",
        "have",
        "will",
        "does",
        "and",
        "or",
        "says",
        "said",
        "like",
        "till",
        "after",
        "before",
        "which",
        "who",
        "time",
        "way",
        "thing",
        "reason",
        "case",
        "maybe",
        "pretend",
        "hope",
        "wish",
        "assume",
        "assuming",
    ]
)

NEGATION = (
    r"not|never|without|none|neither|nor|hardly|cannot|stopped|ditched|dropped|quit|no longer|"
    r"[a-z]+n't|dont|doesnt|didnt|isnt|arent|cant|wont|havent|wasnt|far from|free of|"
    r"used to (?:be|have|use|do|run|send|work|get|handle|rely|write|create|process|make)",
    r"got rid of|getting rid of|decided against|ruled out|passed on|(?:moved|moving|switched|switching|migrated|migrating|went) "
    r"(?:off|away from|from|off of)|instead of|rather than|as opposed to|other than|anything but|"
    r"formerly|previously|(?:years?|months?) ago|back in \d+|in the past|at one point|originally|"
    r"started (?:out )?(?:with|as|at)|when we (?:started|began)|no (?:need|plans?|interest|use) (?:for|to)|"
    r"(?:zero|little|low) (?:need|interest)|hate the idea of|nobody|no one|none of us|replac(?:ed|ing)|cancel(?:l?ed|l?ing)|leaving|phas(?:ed|ing) out|dropping|ditching|(?:fixed|solved|eliminated|resolved) (?:the|our|all|most)?",
)
# "no" is a determiner ("no Salesforce here") or an answer ("no, we use Salesforce").
NO = (r"no",)
ANSWER_NO = (
    r"no(?:,|\.|;|!| (?:we|i|it|it's|they|our|the|that|that's|not|actually|we're|i'm|there|there's|"
    r"wait|sorry|just|this|my|you|problem|doubt|question|wonder|matter|less|more|fewer|later|one|yeah|no))",
)
PSEUDO_NEGATION = (
    r"not (?:only|just|merely|simply|to mention|more than|less than|fewer than|sure|exactly|certain|"
    r"sure (?:why|how))|don't (?:forget|get me wrong|mind|worry)|why not|(?:whether or|if) not|"
    r"(?:can't|cannot|couldn't|can not|can t) (?:live|do|work|function|operate|survive|get by|sell|stand|"
    r"bear|wait|tolerate|keep|stop|take|deal|cope|go|afford)(?: \w+){0,3}?(?: without| with)?",
    r"not without|never without|couldn't be more|no matter|nothing but|not until|don't you|isn't (?:it|that)|"
    r"aren't we|don't we|haven't (?:found|figured)|wouldn't (?:mind|hurt)|can't we|won't (?:work|do) without|"
    r"(?:nobody|no one) (?:\w+ )?(?:knows?|can|sees?|notices?|catch(?:es)?|has any|has a|really knows)|doesn't (?:work|scale)|don't (?:know|believe) (?:how|why|what)|not (?:great|good|ideal|happy|scalable|working)",
)
# After the target: "Salesforce isn't something we use", "cost is not an issue", "Slack? no".
NEGATION_AFTER = (
    r"^[ ,]*(?:(?:it|that|they) )?(?:is|are|was|were|has|have|does|do)(?:n't| not| no)(?: really| exactly| even)? "
    r"(?:an?|our|something|anything|part|needed|necessary|required|important|used|relevant|what|on|"
    r"much of|a big|the|matter|bother|apply|concern|been|use|in use|us)\b",
    r"^[ ,]*(?:is|are|was|were) (?:no longer|never|out|gone|off the table|not (?:it|us|for us)|"
    r"irrelevant|unnecessary|overkill)",
    r"^[ ,]*(?:that |which |and that )?(?:we|i|nobody|no one)(?: really| actually)? "
    r"(?:don't|do not|never|no longer|haven't|didn't|stopped|won't|dont|can do without) "
    r"(?:use|using|need|have|want|touch|care|ever|really|even|run|like)",
    r"^ *\? *(?:no|nope|nah|never|not (?:really|at all|for us|any ?more))\b",
    r"^[ ,]*(?:not any ?more|not at all|no more|never)\b",
)

# Later in the sentence: "Salesforce was too complicated, so we dropped it".
ABANDONED = (
    r"(?:we|i|they)(?:'ve| have| just| finally| ended up)* (?:dropped|left|ditched|cancell?ed|stopped|"
    r"quit|replaced|moved off|got rid of|moved away from|gave up on|killed|abandoned) (?:it|them|that|using)",
)

HYPOTHETICAL = (
    r"if|unless|suppose|supposing|imagine|imagining|let's say|lets say|^say (?:we|i)|, say (?:we|i)|hypothetically|"
    r"what if|in theory|wish(?:ed)?|pretend|assuming|for example|for instance|whether|"
    r"might|may (?:be|need|have|use|want|switch|go|get|hire|add|grow)|could (?:be|have|grow|use|become|get|hit|reach)|"
    r"would (?:ever|have had)",
    r"thinking (?:about|of)|considering|consider|evaluating|evaluate|debating|toying with|"
    r"look(?:ing|ed)? (?:at|into)|plan(?:s|ning)? (?:to|on|for)|hop(?:e|es|ing) (?:to|for|we)|"
    r"aim(?:s|ing)? (?:to|for|at)|goal (?:is|of|to)|target (?:is|of)|expect(?:s|ing)? to|"
    r"projected|forecast(?:ing)?|(?:want|wants|wanting|like|love|looking|trying|going|about|supposed) to "
    r"(?:be|get|grow|hire|reach|hit|scale|add|expand|become|double|switch|move|recruit|onboard)",
    r"(?:once|when|until|till|by the time|after|as soon as) (?:we|i)(?:'re|'ve|'ll| are| have| hit| reach| get| grow| "
    r"hire| expand| add| become| start| switch| move)|"
    r"(?:we'll|we will|i'll|i will|there'll|will|gonna)(?: soon| probably| likely| eventually| hopefully)* "
    r"(?:be|have|hire|grow|reach|hit|add|become|get|end up)|someday|one day|eventually|down the road",
)
PSEUDO_HYPOTHETICAL = (
    r"if (?:possible|that (?:helps|makes sense)|you (?:don't mind|must know|need to know|want to know|want the (?:exact )?number)|"
    r"i (?:remember|recall|had to guess|count|include)|we (?:count|include)|not more|anything|i'm (?:honest|being honest|not mistaken))|"
    r"(?:great|nice|good|helpful|ideal|perfect|awesome|amazing|wonderful|fantastic|better|love it|cool|huge|useful|best) if|as if|what if any|even if|looking at (?:a|an|about|around|roughly|maybe|like|probably|\d+)|(?:there|it|that) (?:will|would) be|(?:there|it|that)'ll be|"
    r"(?:see|know|check|checking|wondering|wonder|sure|tell me|asking|ask|find out) if",
)
HYPOTHETICAL_AFTER = (
    r"^(?: \w+){0,3} (?:by (?:next|the end of)|next year|someday|one day|eventually|down the road|in the future|"
    r"in (?:a|the next|two|three|five|\d+) (?:couple |few )?(?:of )?(?:years?|quarters?))",
)
HYPOTHETICAL_AFTER_NUMBER = (
    r"^(?: \w+){0,2} (?:would be|might be|could be|may be|if we ever|if we (?:grow|expand|had))",
)

SOMEONE_ELSE = (
    r"(?:my|our|his|her|their|a|the|an) (?:very )?(?:last|previous|former|old|prior|ex|other|first) "
    r"(?:company|companies|job|firm|employer|place|team|role|startup|gig|agency|shop|workplace|business|boss|org|organization|office)|"
    r"(?:friend|buddy|brother|sister|wife|husband|cousin|dad|father|mother|mom|uncle|neighbor|roommate|partner|girlfriend|boyfriend|son|daughter|aunt|pal|colleague)"
    r"(?:'s|s)?(?: (?:\w+ ){0,2}(?:company|business|firm|agency|startup|shop|team)| (?:runs|works|owns|has|uses|used|had|sells|is|was|at|over|who|swears|loves|likes|recommends|recommended|told|says|said|suggested)\b)",
    r"used to work|when i (?:was|worked)(?: at| for| in| with)|i (?:once )?worked (?:at|for)|back at (?:my|the)|"
    r"(?:our|my|a|the|some|one|any|their|your|another|main|biggest|closest|that) ?(?:\w+ )?(?:competitors?|rivals?)(?:'s)?|"
    r"(?:most|other|many|some|those|big|bigger|larger|lots of|all the other|a lot of) (?:companies|teams|firms|people|agencies|businesses|folks|shops|vendors)|"
    r"i (?:read|heard|saw)|(?:article|podcast|blog|webinar|case study|news)",
)
SOMEONE_ELSE_BEFORE = (
    r"(?:our|my|the|a|some|most|many|all|one of our|one of my|their|these|this|that|several|another|an)(?: of our| of my)? ?(?:\w+ )?"
    r"(?:clients?|customers?|prospects?|parent company|sister company|landlord|"
    r"buyers?|partner company|investors?|subsidiary)(?:'s|s')?(?: \w+){0,4}",
    r"you (?:guys |all |folks |people )?(?:have|use|said|mentioned|are|do|work|employ|offer|support|integrate|were|serve|claim|told|know about)|"
    r"you're|you've|y'all|your (?:\w+ )?(?:team|company|website|product|platform|site|page|pricing|app|firm|office|sales ?people|reps?|people|staff|customers|clients)|"
    r"(?:he|she) (?:\w+ )?(?:has|had|uses|used|works|worked|runs|is|was|said|manages)|(?:his|her) (?:team|company|firm|business)",
    r"(?:sell|selling|sells|market|marketing|cater|catering|serve|serving|serves|consult|consulting|(?:we|i) (?:mostly |mainly )?work with|services|supply|supplying|"
    r"clients? (?:are|is|include|in|like)|customers (?:are|include|in|like))(?: \w+){0,3}",
)
THEY = (r"they|they're|they've|he|she|it had|it was|there",)

QUESTION = (
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|hey|yeah|right|no|yes|sorry|also|great|cool|then|quick question|"
    r"just curious|i was wondering|one question|question)[ ,.:-]+)*"
    r"(?:do|does|did|can|could|would|will|is|are|was|were|has|have|should|doesn't|don't|isn't|can't|won't) "
    r"(?:you|it|this|that|they|your|there|he|she|the|most|other|people|any|anyone|everyone|these|those|a|an|all|some)\b",
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|hey|yeah|right|no|yes|sorry|also|then)[ ,.:-]+)*"
    r"(?:what|how|which|who|why|where|when)(?:'s|'re)?(?: \w+){0,4}? (?:do|does|did|can|could|would|will|is|are|has|have) "
    r"(?:you|it|this|that|they|your|there|the|most|people|other|a|an|all|any)\b",
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|also)[ ,.:-]+)*(?:what about|how about|what's|what is|what are|who uses|"
    r"tell me about|what kind of|which of|is [a-z]+|does [a-z]+|any chance|do (?:i|we) (?:need|have to)|why (?:do|would) )",
    r"(?:wondering|curious|asking|ask|find out|tell me|do you know|let me know|check) (?:if|whether) (?:you|it|this|your|there|they|that|the)\b",
)
# In a question, these say that the thing asked about is the caller's own.
OWN = (
    r"(?:our|my)(?: [\w-]+){0,3}",
    r"(?:we|i)(?:'re|'ve|'d| are| have| need| use| run| currently| already| want| would)(?: [\w-]+){0,4}",
    r"(?:for|with|of) us(?: [\w-]+){0,3}|us (?:at|of)|there are|there's",
)
# In the sentence after the question: "Does it hook into Zoho? That's what we use".
OWN_FOLLOWS = (
    r"^[ .?!]*(?:because |since )?(?:that's|it's|that is) (?:what|the one) (?:we|i)|"
    r"^[ .?!]*(?:because |since )?(?:we|i) (?:use|have|run|need) (?:it|that)",
)
OWN_AFTER = (
    r"^[ ,]*(?:that |which )?(?:we|i)(?:'re|'ve| already| currently)? ?(?:use|have|need|run|pay|rely|got|using|do|send)",
)

CORRECTION = (
    r"sorry|i mean|i meant|actually|no wait|wait no|wait|correction|make that|make it|scratch that|let me correct|"
    r"let me rephrase|strike that|my mistake|my bad|excuse me|pardon|or rather|i misspoke|it's really|"
    r"no,|i should say|should be|more like|closer to",
)
