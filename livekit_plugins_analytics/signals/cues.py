"""What takes an affirmation away, in English: data for `scope`. All in RE2 syntax.

The method is ConText's (Harkema et al. 2009; medspacy carries its rules for clinical text):
triggers with a direction, a reach, pseudo-triggers that only look like one, and terminators.
"""

from __future__ import annotations

# A word that starts a new clause, wherever it stands.
BREAKS = (
    r"but|however|although|though|except|because|whereas|while|yet|otherwise|instead we|so we|so i|so it'?s?|and (?:we|i|it|it's|they|our|my|now|we're|i'm|we've|there's|there|that's|you)|or (?:we|i|we're)",
    r"(?:we're|we've|i'm|i've|we|i) (?:now |actually |currently |already |just |mostly |only |still )*(?:use|have|need|run|got|want|do|send|are|am|use|handle|rely)",
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
    r"(?:come|came|coming|just|been) off|(?:never|didn't) (?:really )?(?:got|get|getting) (?:on|along) with|wouldn't touch",
    r"not|never|without|none|neither|nor|hardly|cannot|stopped|ditched|dropped|dumped|scrapped|binned|axed|canned|retired|sunset|sunsetted|killed off|ripped out|tore out|kicked out|shut off|shut down|quit|no longer|gave up on|killed|axing|(?:we're|i'm|glad to be|happy to be|got|came|being) off|moved on from|outgrew|outgrown|burned by|burnt by|anti|allergic to|done with|had enough of|back to|anything to do with|got off(?: of)?|came off|weaned off|we left|i left",
    r"fed up with|ban(?:s|ned|ning)|outlawed|forbade|forbids?|(?:chose|choose|picked|prefer|preferred|selected|went with|going with|opted for)(?: [\w']+){1,4} over|(?:the|our|my) (?:old|previous|former|last|prior|original) (?:\w+ )?(?:crm|tool|system|software|process|setup|vendor|provider|platform|workflow|way|one|supplier|stack)(?: [\w']+){0,3} (?:was|were|had|used)|[a-z]+n't|dont|doesnt|didnt|isnt",
    r"arent|cant|wont|havent|wasnt|far from|free of|used to (?:be|have|use|do|run|send|work|get|handle|rely|write|create|process|make)",
    r"got rid of|getting rid of|decided against|ruled out|passed on|(?:moved|moving|switched|switching|migrated|migrating|went|came|come)(?: over| across| away| everything| everyone| it all)? (?:off|away from|from|off of)|instead of|rather than|as opposed to|other than|anything but|formerly|previously|back in \d+|in the past|at one point|originally|started (?:out )?(?:with|as|at)|when we (?:started|began)",
    r"no (?:need|plans?|interest|use) (?:for|to)|(?:zero|little|low) (?:need|interest)|hate the idea of|nobody|no one|none of us|replac(?:ed|ing)|cancel(?:l?ed|l?ing)|leaving|phas(?:ed|ing) out|dropping|ditching|(?:fixed|solved|eliminated|resolved) (?:the|our|all|most)?",
)
# "no" is a determiner ("no Salesforce here") or an answer ("no, we use Salesforce").
# Only what follows at once.
NEGATION_NEAR = (
    r"(?:we|i) (?:once |previously |briefly |also )?used ?$",
    r"(?:we|i|they) (?:were|was) (?:on|using|with|running|in|an?) ?$",
    r"used to ?$",
    r"(?:years?|months?|weeks?) ago,?(?: [\w']+){0,3} ?$",
    r"(?:except|apart from|aside from|besides|bar)(?: for)?(?: [\w']+,?){0,2} ?$",
)
NO = (r"no",)
ANSWER_NO = (
    r"no ?[,.;!]\B",
    r"no(?: (?:we|i|it|it's|they|our|the|that|that's|not|actually|we're|i'm|there|there's|wait|sorry|just|this|my|you|problem|doubt|question|wonder|matter|less|more|fewer|later|one|yeah|no))",
)
PSEUDO_NEGATION = (
    r"can't be right|that's not right that",
    r"shouldn't (?:take|cost|have to|be (?:this|that|so))|(?:have|has)n't (?:even )?(?:a clue|any idea)",
    r"(?:never|don't|doesn't|can't|won't|rarely|hardly ever) (?:ever )?(?:leave|get out of|live without|close|log out of)|drop(?:s|ped|ping)? (?:\w+ )?(?:straight |directly |right |back |automatically )?(?:in|into|onto)|not (?:much|many|a lot|a ton),?|not (?:only|just|merely|simply|to mention|more than|less than|fewer than|sure|exactly|certain|sure (?:why|how))|don't (?:forget|get me wrong|mind|worry)|why not|(?:whether or|if) not",
    r"(?:can't|cannot|couldn't|can not|can t) (?:live|do|work|function|operate|survive|get by|sell|stand|bear|wait|tolerate|keep|stop|take|deal|cope|go|afford|get|turn|track|find|see|tell|send|produce|keep up|have (?:people|them|my|the|us|someone|folks|everyone))(?: \w+){0,3}?(?: without| with)?",
    r"(?:won't|can't|doesn't|wouldn't|couldn't|don't|isn't|not) (?:[\w']+ ){1,4}without|not without|never without|couldn't be more|no matter|nothing but|not until|don't you|isn't (?:it|that)|aren't we|don't we|haven't (?:found|figured|got round|gotten around)|not (?:sure|certain) (?:if|whether)|wouldn't (?:mind|hurt)|can't we|won't (?:work|do) without",
    r"(?:nobody|no one) (?:\w+ )?(?:knows?|can|sees?|notices?|catch(?:es)?|has any|has a|really knows)|doesn't (?:work|scale)|don't (?:know|believe) (?:how|why|what)|not (?:great|good|ideal|happy|scalable|working)",
)
# After the target: "Salesforce isn't something we use", "cost is not an issue", "Slack? no".
NEGATION_AFTER = (
    r"^ (?:no|nope|nah)(?:$|[.,!?])",
    r"^ (?:was|were) (?:on (?:our|the|my) (?:short ?)?list|an option|considered|in the running|a contender|ruled out|our (?:old|previous|last|former))",
    r"^[ ,]*(?:(?:it|that|they) )?(?:is|are|was|were|has|have|does|do)(?:n't| not| no)(?: really| exactly| even)? (?:an?|our|something|anything|part|needed|necessary|required|important|used|relevant|what|on|much of|a big|the|matter|bother|apply|concern|been|use|in use|us)\b",
    r"^[ ,]*(?:is|are|was|were) (?:no longer|never|out|gone|off the table|not (?:it|us|for us)|irrelevant|unnecessary|overkill)",
    r"^ *\? *(?:no|nope|nah|never|not (?:really|at all|for us|any ?more))\b",
    r"^[ ,]*(?:not any ?more|not at all|no more|never)\b",
    r"^(?:'s| is| was| are| were| got| has been)(?: now| all| been| completely| basically| sort of)* (?:banned|blocked|forbidden|gone|dead|history|out of the picture|switched off|cancell?ed|overkill)",
    r"^ *[?,] *(?:goodness|god|gosh|heavens|oh|ha|hell)?[ ,]*(?:no|nope|nah)(?: (?:we|i|it|that|not|way|thanks|actually|longer)\b|$|[.,!?])",
)

# After the target, which has to be what is denied: "Slack we don't use", but not "we use Slack, we
# don't use Teams" nor "we're 25, we don't use a CRM".
UNUSED_AFTER = (
    r"^[ ,]*(?:that |which |and that )?(?:we|i|nobody|no one)(?: really| actually| ever| even)* (?:don't|do not|never|no longer|haven't|didn't|stopped|won't|dont|can do without)(?: really| actually| ever| even)* (?:use|used|using|need|have|want|touch|touched|care|run|like)(?: (?:it|that|this|them|those|one|any ?more|any longer|at all|much|yet|really|either|for (?:that|this|it|anything)|to|here|now|right now|today|as such))* ?(?:$|[,.;!?]| (?:but|and|so|because|since|though)\b)",
    r"^[ ,]*(?:that |which |and that )?(?:we|i|nobody|no one) (?:can do without|never (?:use|used|touch|touched|cared|liked))\b",
)

# Later in the sentence: "Salesforce was too complicated, so we dropped it".
ABANDONED = (
    r"(?:and|then|but) (?:later |then |eventually |finally |just )?(?:got rid of|dropped|ditched|cancel?led|binned|left|quit|moved off) (?:it|them|that)",
    r"(?:don't|never|do not) make (?:us|me) (?:use|go back to|switch to) (?:it|that|them)|(?:we|i) don't (?:have|own) (?:it|that|them)\b|(?:but|and|then|so) (?:it|that|they|the idea) (?:got|was|were|has been|'s been) (?:canned|dropped|binned|scrapped|cancell?ed|shelved|killed|vetoed|axed|knocked back)",
    r"(?:we|i|they)(?:'ve| have| just| finally| ended up)* (?:dropped|left|ditched|cancell?ed|stopped|quit|replaced|moved off|got rid of|moved away from|gave up on|killed|abandoned|binned|scrapped|dumped|hated|returned) (?:it|them|that|using)",
    r"(?:(?:but|and|though|just|so) )?(?:we|i)(?:'ve|'d)?(?: have| had)? (?:never|didn't|don't|haven't|won't|wouldn't|aren't|ain't|couldn't) (?:actually |really |ever |even |end up )*(?:us(?:e|ed|ing)|touch(?:ed)?|bought|buy|tried|try|need(?:ed)?|like[d]?|stick|stuck|go(?:ne)?|went|sign(?:ed)?|want(?:ed)?|adopt(?:ed)?|bother(?:ed)?|set|got|get|took)(?: (?:with|for|to|ahead))?(?: (?:it|them|that|any of (?:that|it|them)|one))?(?: (?:any ?more|at all|yet|though|really|much|in the end))* ?(?:$|[.,;!?]| (?:but|and|so|because|since)\b)",
    r"(?:but |and )?(?:never|didn't|not) (?:actually |really |even |end up )*(?:bought|buying|used|using|tried|touched|liked|loved|signed|stuck|went|gone|happy)(?: with| for| to)? (?:it|them|that)|and (?:hated|dropped|left|ditched|cancelled|binned) (?:it|them)|so (?:that's a )?no(?:$|[.,])",
)

HYPOTHETICAL = (
    r"there(?:'s| was| has been|'s been)(?: \w+)? talk (?:of|about)",
    r"(?:mentioned|suggested|recommended|brought up|talked about|raved about|raves about|told (?:me|us) about)",
    r"if|unless|suppose|supposing|imagine|imagining|let's say|lets say|^say (?:we|i)|, say (?:we|i)|hypothetically|what if|in theory|wish(?:ed)?|pretend|assuming|for example|for instance|whether|might|may (?:be|need|have|use|want|switch|go|get|hire|add|grow)|could (?:be|have|grow|use|become|get|hit|reach)|would (?:ever|have had)|(?:see|picture|imagine) (?:us|ourselves|it|the team) (?:\w+ing )?(?:to )?",
    r"heading (?:to|for|towards?)|on track (?:to|for)|getting (?:up )?to|say we were to|were to|maybe (?:one|some) day",
    r"thinking (?:about|of)|thought (?:about|of)|consider(?:ing|ed)?|evaluat(?:ing|ed|e)|debat(?:ing|ed)|toying with|demo(?:ed|ing)|trial(?:led|ling|ed|ing)|compar(?:ed|ing)|curious about|(?:someone|somebody|he|she|they|people|a friend|colleague)(?: \w+)? (?:mentioned|suggested|recommended|brought up)|compare (?:you|it|this)",
    r"(?:heard|hear|hearing|read|reading|seen|saw|know|knew)(?: all| a lot| good things| great things| lots)? (?:of|about)|like how|look(?:ing|ed)? (?:at|into)|plan(?:s|ning)? (?:to|on|for)|hop(?:e|es|ing) (?:to|for|we)|aim(?:s|ing)? (?:to|for|at)|goal (?:is|of|to)|target (?:is|of)|expect(?:s|ing)? to|projected|forecast(?:ing)?",
    r"(?:once|when|until|till|by the time|after|as soon as) (?:we|i)(?:'re|'ve|'ll| are| have| hit| reach| get| grow| hire| expand| add| become| start| switch| move)|(?:we'll|we will|i'll|i will|there'll|will|gonna)(?: soon| probably| likely| eventually| hopefully)* (?:be|have|hire|grow|reach|hit|add|become|get|end up)|someday|one day|eventually|down the road",
)
# Of a number: whoever wants to be fifty is not; whoever wants to get contracts signed has some.
HYPOTHETICAL_NUMBER = (
    r"(?:want|wants|wanting|like|love|looking|trying|going|about|supposed) to (?:be|get|grow|hire|reach|hit|scale|add|expand|become|double|switch|move|recruit|onboard)",
)
PSEUDO_HYPOTHETICAL = (
    r"(?:i|we) (?:suppose|imagine|guess)|i would imagine|i'd imagine",
    r"if (?:possible|that (?:helps|makes sense)|you (?:don't mind|must know|need to know|want to know|want the (?:exact )?number)|i (?:remember|recall|had to guess|count|include)|we (?:count|include)|not more|anything|i'm (?:honest|being honest|not mistaken))",
    r"if (?:it|this|that|you|you guys|the tool|your (?:tool|platform|software|thing|product)|they) (?:(?:doesn't|don't|can't|won't|didn't|does|do|can|could|did|could just|isn't able to|weren't|isn't) )?(?:\w+ )?(?:integrat|connect|sync|work|talk|play|hook|plug|link|tie|support|push|pull|feed|fit|post|send|writ|log|sav|drop|updat|export|import|notif|ping|stor|read)\w*(?: (?:with|to|into|in|nicely|well|nice|up|data|straight|out of|from)){0,3}",
    r"(?:great|nice|good|helpful|ideal|perfect|awesome|amazing|wonderful|fantastic|better|love it|cool|huge|useful|best) if|as if|what if any|even if|looking at (?:a|an|about|around|roughly|maybe|like|probably|\d+)|(?:there|it|that) (?:will|would) be|(?:there|it|that)'ll be|(?:see|know|check|checking|wondering|wonder|sure|tell me|asking|ask|find out) if",
)
HYPOTHETICAL_AFTER = (
    r"^(?: \w+){0,3} (?:by (?:next|the end of)|next year|someday|one day|eventually|down the (?:road|line|track)|later on|at some point|in the future|in (?:a (?:couple|few)|the next(?: couple| few)?|two|three|five|\d+) (?:of )?(?:years?|quarters?))",
)
HYPOTHETICAL_AFTER_NUMBER = (
    r"^(?: \w+){0,2} (?:would be|might be|could be|may be|if we ever|if we (?:grow|expand|had))",
)

SOMEONE_ELSE = (
    r"(?:firm|franchise|company|shop|office|outfit|business|place|lot|people|guys) (?:next door|down the (?:road|street|hall)|(?:across|over) the (?:road|street))",
    r"(?:my|our|his|her|their|a|the|an) (?:very )?(?:last|previous|former|old|prior|ex|other|first)[ -](?:company|companies|job|firm|employer|place|team|role|startup|gig|agency|shop|workplace|business|boss|org|organization|office|employers?|firms?|outfit)|(?:agency|company|firm|place|shop|startup|business) (?:i|we) (?:was|were|worked|used to)|my ex[- ]?(?:boss|company|employer|colleague|manager)",
    r"(?:friend|buddy|mate|brother(?:[- ]in[- ]law)?|sister(?:[- ]in[- ]law)?|wife|husband|cousin|dad|father|mother|mom|uncle|neighbou?r|roommate|partner|girlfriend|boyfriend|son|daughter|aunt|pal|colleague|mum|nephew|niece|landlord|dentist|flatmate|guy i know|woman i know|someone i know|person i know|bloke i know)(?:'s|s)?(?: (?:\w+ ){0,2}(?:company|business|firm|agency|startup|shop|team|charity|practice|office|place)| (?:of mine|(?:\w+ )?(?:leads|manages|heads|started)|runs|works|worked|ran|owned|manages|owns|has|uses|used|had|sells|is|was|at|over|who|swears|loves|likes|recommends|recommended|told|says|said|suggested)\b)",
    r"(?:my|our) (?:accountant|bookkeeper|lawyer|solicitor|landlord|neighbou?r|boss|dentist|vendor|supplier|agency)'s (?:\w+ ){0,2}(?:team|company|firm|practice|office|staff)|used to work|when i (?:was|worked)(?: at| for| in| with)|i (?:once )?worked (?:at|for)|back at (?:my|the)|(?:our|my|a|the|some|one|any|their|your|another|main|biggest|closest|that) ?(?:\w+ )?(?:competitors?|rivals?)(?:'s)?",
    r"(?:most|other|many|some|those|big|bigger|larger|lots of|all the other|a lot of) (?:companies|teams|firms|people|agencies|businesses|folks|shops|vendors)|i (?:read|heard|saw)|(?:article|podcast|blog|webinar|case study|news)",
)
# "HubSpot was at my old job", "two hundred people in my last team".
SOMEONE_ELSE_AFTER = (
    r"^(?: [\w']+){0,5} (?:at|in|for|with|from) (?:my|our|a|the|his|her|their) (?:very )?(?:last|previous|former|old|prior|ex|first)[ -](?:company|job|firm|employer|place|team|role|startup|gig|agency|shop|workplace|business|boss|office)|^(?: [\w']+){0,4} (?:before (?:the merger|covid|the layoffs|that|this|i joined)|when i (?:was|worked) (?:at|for|there))",
)
SOMEONE_ELSE_BEFORE = (
    r"(?:our|my|the) (?:accountants?|bookkeepers?|solicitors?) (?:has|have|employs?) (?:about |around |like |a |just )*(?:\d+|staff|team|crew)",
    # "Our vendor is dear" is our trouble, "our vendor has ten reps" is theirs.
    r"(?:our|my|the|a|one of our)(?: \w+)? (?:vendor|supplier|distributor|reseller|auditor)(?: (?:who|that|we|i)(?: [\w']+){1,3})? (?:has|employs|does|uses|runs|signs)",
    r"(?:our|my|the|a|some|most|many|all|one of our|one of my|their|these|this|that|several|another|an)(?: of our| of my)? ?(?:\w+ )?(?:clients?|customers?|prospects?|parent company|sister company|landlord|buyers?|partner company|investors?|subsidiary|vendors|suppliers|distributors|resellers|auditors?|neighbou?rs?)(?:(?:'s|s'|') (?:\w+ )?(?:teams?|company|companies|side|end|staff|firm|office)?| (?:who|that|we|i)(?: [\w']+){1,3}| (?:who|that|all|mostly|also|typically|usually|tend to|always)|,)* ?(?:have|has|had|use|uses|used|are|is|were|was|run|runs|love|loves|want|wants|ask|asks|asked|need|needs|insist|work|works|send|sends|complain|say|says|said|with|on|over|in|of|called|keep|keeps|prefer|like|likes|hate|hates|employ|employs|does|signs)",
    r"you (?:guys |all |folks |people )?(?:have|use|said|mentioned|are|do|work|employ|offer|support|integrate|were|serve|claim|told|know about)|you're|you've|y'all|you (?:should|ought to)|your (?:\w+ )?(?:team|company|website|product|platform|site|page|pricing|app|firm|office|sales ?people|reps?|people|staff|customers|clients)|(?:he|she) (?:\w+ )?(?:has|had|uses|used|works|worked|runs|is|was|said|manages)",
    r"(?:his|her) (?:team|company|firm|business)",
    r"(?:sell|selling|sells|market|marketing|cater|catering|serve|serving|serves|consult|consulting|(?:we|i) (?:mostly |mainly )?work with|services|supply|supplying|clients? (?:are|is|include|in|like)|customers (?:are|include|in|like))(?: \w+){0,3}",
)
# "You never know which draft is current" is the caller's own trouble.
ANYONE = (
    r"(?:when |if |that )?you (?:never|can't|can never|don't|cannot|couldn't|have no|just|always|end up|have to|get|spend|lose).*",
)
THEY = (r"they|they're|they've|he|she|it had|it was|there",)

QUESTION = (
    r"^[ ,]*(?:who|what|how) (?:built|made|makes|maintains|wrote|happened|is your|are your)\b",
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|hey|yeah|right|no|yes|sorry|also|great|cool|then|quick question|just curious|i was wondering|one question|question)[ ,.:-]+)*(?:do|does|did|can|could|would|will|is|are|was|were|has|have|should|doesn't|don't|isn't|can't|won't) (?:you|it|this|that|they|your|there|he|she|the|most|other|people|any|anyone|everyone|these|those|a|an|all|some)\b",
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|hey|yeah|right|no|yes|sorry|also|then)[ ,.:-]+)*(?:what|how|which|who|why|where|when)(?:'s|'re)?(?: \w+){0,4}? (?:do|does|did|can|could|would|will|is|are|has|have) (?:you|it|this|that|they|your|there|the|most|people|other|a|an|all|any)\b",
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|oh|also)[ ,.:-]+)*(?:what about|how about|what's|what is|what are|who uses|tell me about|what kind of|which of|is [a-z]+|does [a-z]+|any chance|do (?:i|we) (?:need|have to)|why (?:do|would) )",
    r"(?:wondering|curious|asking|ask|find out|tell me|do you know|let me know|check) (?:if|whether) (?:you|it|this|your|there|they|that|the)\b",
)
# A clause of its own, which says whose the next one is: "where I worked before, we had ten".
FORMERLY = (
    r"(?:at|in|with|for) (?:my|our|the|a) (?:very )?(?:last|previous|former|old|prior|first) (?:\w+ )?(?:company|job|firm|employer|place|team|role|startup|gig|agency|shop|workplace|business|office)[ ,]*$",
    r"(?:where|place|company|firm|shop|agency|outfit|school|office|job|business|team) (?:that )?(?:i|we) (?:once |last |previously |first |used to )?(?:work|worked|was|were)(?: \w+){0,4}[ ,]*$",
)
# In the whole sentence: what cannot be done without is needed, whatever negates it.
NEEDED = (
    r"(?:no good|no use|not much use|useless|pointless|worthless|dead|nowhere|lost)(?: to us)? without",
    r"if there(?:'s| is) no(?: [\w']+){1,6},? (?:i|we|it|that|this|then)(?:'s|'m|'re| is| am| are)? ?(?:can't|won't|couldn't|no|not|out|dead|useless|deal[- ]?breaker)",
    r"(?:because|since|cause|as) (?:we|i)(?:'ve|'re)? (?:run|use|do|keep|have|live|got|on)(?: [\w']+){0,6} (?:on|off|in|through|with|from) (?:it|that)",
    r"(?:without|lacking)(?: [\w']+){1,6}?,? (?:it|this|that|we|i|they|the whole thing|you)(?:'s|'d|'re| is| are| would| will| can| can't| won't| couldn't|'ll)? ?(?:\w+ ){0,3}?(?:dead|useless|pointless|no[- ]?go|non[- ]?starter|deal[- ]?breaker|stuck|out|lost|worthless|no good|no use|can't|won't|couldn't|nothing|screwed|work|function|operate|bother|buy|sign|go)",
    r"if (?:it|this|that|you|you guys|they|the tool|there) (?:doesn't|don't|can't|won't|isn't|aren't|couldn't|'s no|is no|does not|do not|can not)(?: [\w']+){1,10}?,? ?(?:can't|won't|no|not|dead|useless|deal[- ]?breaker|out|walk|pass|forget it|pointless|waste|worthless|wouldn't|couldn't|don't)",
    r"(?:must have|must-have|has to have|deal[- ]?breaker|non[- ]?negotiable)",
)
# In a question, these say that the thing asked about is the caller's own.
OWN = (
    r"(?:our|my)(?: [\w-]+){0,3}",
    r"(?:we|i)(?:'re|'ve|'d| are| have| need| use| run| currently| already| want| would)(?: [\w-]+){0,4}",
    r"(?:for|with|of) us(?: [\w-]+){0,3}|us (?:at|of)|there are|there's",
)
# In the sentence after the question: "Does it hook into Zoho? That's what we use".
OWN_FOLLOWS = (
    r"^[ ,.?!]*(?:because |since |and )?(?:our|my)(?: [\w']+){1,4} (?:says?|said|reckons?|thinks) (?:it's|that's|it is|it was) (?:an? |the )?(?:\w+ )?(?:must|deal[- ]?breaker|essential|needed|required|non[- ]?negotiable|important)",
    r"^[ ,.?!]*(?:because |since |cause |and )?(?:our|my)(?: [\w']+){1,4} (?:wants?|needs?|asked|will need|would need|'ll need|insists?|uses?|runs?|lives?|requires?|relies)\b",
    r"^[ ,.?!]*(?:because |since |cause |'cause |cos |as |and )?(?:that's|it's|that is|that'd be|that would be) (?:really |kind of |basically |pretty much )?(?:what|the one|where|our|my|a must|a need|a deal[- ]?breaker|a requirement|essential|critical|key|huge|big for|important|non[- ]?negotiable|the main|a big)",
    r"^[ ,.?!]*(?:because |since |cause |'cause |cos |as |and )?(?:we|i)(?:'d|'ll|'re| would| will|'ve)?(?: really| definitely| absolutely| got to| have to| probably)* (?:use|have|run|need|require|want|rely on|live in|keep|love|depend on|on)(?: to)?(?: have)? (?:it|that|them|to|our|everything|all)",
    r"^[ ,.?!]*(?:because |since |cause |and )?(?:we|i) (?:can't|couldn't|cannot|won't) (?:really )?(?:do|live|work|go|manage|cope|function|buy|move) (?:\w+ ){0,3}without",
)
# Right after: "they didn't do NetSuite, which we need".
OWN_AT_ONCE = (
    r"^,? (?:we|i) (?:do )?(?:still|do) (?:have|use|need|run|keep|love)\b",
    r"^[ ,]*(?:which|that|and that's what|and) (?:is what )?(?:we|i)(?:'ve| really| actually| absolutely| do| still| all| both)* (?:need|use|have|run|rely|depend|live|require|want|love|can't do without)\b",
)
OWN_AFTER = (
    r"^[ ,]*(?:that |which )?(?:we|i)(?:'re|'ve| already| currently)? ?(?:use|have|need|run|pay|rely|got|using|do|send)",
)

CORRECTION = (
    r"sorry|i mean|i meant|actually|no wait|wait no|wait|correction|make that|make it|scratch that|let me correct|let me rephrase|strike that|my mistake|my bad|excuse me|pardon|or rather|i misspoke|it's really|no,|i should say|should be|more like|closer to|(?:it's|we're|that's|we are) (?:now |all the way )?(?:down|up|back) to|(?:but |and )?(?:now|today|these days|nowadays|currently)(?:,)? (?:it's|we're|we are|it is|that's)(?: down to| up to| at| more like| closer to)?",
    r"(?:got|had|said) (?:that|it|this) wrong|that's wrong|that was wrong|i was wrong|that's not right|hang on|hold on|i said|(?:let me|lemme) (?:check|see|think)|oh no|no no",
)
