"""What the keyword parser looks for, apart from the parts themselves. All on normalised text."""

from __future__ import annotations

import re

_Pattern = re.Pattern[str]


def _any(*options: str) -> _Pattern:
    return re.compile("|".join(f"(?:{option})" for option in options))


SIDES = {
    "left": "left", "right": "right", "lt": "left", "rt": "right", "l": "left", "r": "right",
    "lt.": "left", "rt.": "right", "left-hand": "left", "right-hand": "right",
    "left-sided": "left", "right-sided": "right", "lft": "left", "rgt": "right",
    "左": "left", "右": "right", "左边": "left", "右边": "right", "左侧": "left", "右侧": "right",
    "左面": "left", "右面": "right", "左手边": "left", "右手边": "right",
}  # fmt: skip
# Common words that are parts only by way of slang; too often they are not.
NOT_PARTS = (
    "index", "guns", "gun", "stem", "stems", "trap", "crown", "core", "nut", "dome", "pins", "pin",
    "pose", "posture", "lot", "indexes", "digits", "pupil", "pupils", "orbit", "mug", "chops",
    "全部", "所有", "全都", "目", "招子", "姿势", "keypoints", "joints", "关键点", "关节点",
)  # fmt: skip
COMPOUNDS = (
    "手机", "手表", "手续", "手册", "手术", "手工", "手气", "手感", "手电", "二手", "一手", "分手", "对手",
    "动手", "手套", "脚本", "脚注", "脚手架", "脚踏板", "墙脚", "头条", "头像", "头发", "头等", "镜头",
    "码头", "木头", "馒头", "抬头", "头孢", "头寸", "面包", "面条", "面试", "面积", "方面", "眼镜", "眼药",
    "眼下", "耳机", "耳环", "鼻炎", "口罩", "口水", "门口", "路口", "火腿", "鸡腿", "桌腿", "猪蹄", "猪脚",
    "羊腿", "披肩", "背包", "背景", "背诵", "身份", "身高", "腰带", "画面", "关节炎", "护膝", "助手", "小手册",
    "左撇子", "左右为难", "左转", "右转", "右键", "左键", "口误", "手误", "歌手", "高手", "新手", "选手",
)  # fmt: skip
BOTH = _any(
    r"both (the )?$", r"bilat\w*\.? $", r"b/l $", "[双两俩]$", "两[侧边个只条]的?$", "双侧$"
)
BOTH_SIDES = _any(r"\s*(?:and|&|\+|/|,)?\s*", "[和与、]?")
BEHIND = _any(
    r"[\s,，、:：(（-]*",
    r" (?:points |joint |joints )?on (?:the|her|his|their|its) ",
    r"[要的在是，, ]{1,2}",
)
KEEPS_SIDE = _any(r"\s*(?:and|&|\+|,|/|plus)\s*", r"\s*[和与跟、及]\s*", r"\s*")
CORRECTION = _any(
    r"\b(?:no no|no wait|no,|no\.|nope|sorry|i mean|i meant|rather|scratch that|actually|oops|"
    r"correction|make that|wait|hang on|never ?mind|strike that|my bad|my mistake|instead)\b[,.:]?",
    r"[,.…—-]\s*no\b", r"\? no\b", "不对", "不是[，,]", "哦不", "啊不", "说错了", "错了", "口误", "我是说",
    "改成", "等等", "算了", "更正", "应该是", "说反了", "不不", "打错了", "换成", "还是",
)  # fmt: skip
NOT_BUT = re.compile(
    r"^(?:not|i don'?t need|don'?t want|forget|disregard) .{2,30}?(?:,? but|[,;.]| i need| i want) (?P<x>.{3,})"
)
CHAINS = (
    re.compile(
        r"(?:from|starting at|start at) (.+?) (?:all the way |down |up |through |along )*(?:to|till|until|and ending at|stop at) (.+)"
    ),
    re.compile(r"\bbetween (.+?) and (.+)"),
    re.compile(r"(.+?)\s*(?:→|->|⟶|=>)\s*(.+)"),
    re.compile(r"\b(\S+(?: \S+)?) (?:down|up|through)? ?to (?:the )?(\S+(?: \S+)?)"),
    re.compile(r"[从由自打](.+?)(?:一直|往[上下]|一路|开始|起|连|延伸|数)*[到至](.+)"),
    re.compile(r"(.{1,8})[到至](.{1,8})"),
    re.compile(r"(.{1,8})[和与](.{1,8})之间"),
)
_NOT = (
    r"except(?:ing)?(?: for)?|excluding|excl\.?|without|w/o|but not|minus|apart from|other than|"
    r"aside from|sans|barring|bar|save(?: for)?|with the exception of|leave (?:out|off)|omit(?:ting)?|"
    r"skip|exclude|drop|but(?= the| her| his| left| right)|besides|not|no|less|ignore|ignoring|forget|"
    r"leaving out|hide|don'?t (?:show|include|need|want)"
)
EXCEPTIONS = (
    re.compile(r"除(?:了|去|开|却)?(?P<removed>.+?)(?:以外|之外|外)的?(?P<kept>.*)"),
    re.compile(r"(?P<removed>[^，,。]{1,12})(?:除外|以外|之外|不要|就算了|不算|别标|不用标?|免了)"),
    re.compile(
        r"(?:不要|去掉|除去|减去|不含|不包括|不包含|排除|扣掉|扣除|剔除|跳过|略过|略去|忽略|别标|不带|抛开|没有|别带|除了|除)(?P<removed>[^，,。]+)"
    ),
    re.compile(rf"\b(?:{_NOT})\b"),
)
RELATIONS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("in_upper_half", r"(?:upper|top) half of the (?:\w+ )?(?:picture|image|frame|photo|screen|shot)|(?:画面|图片|图像|照片|屏幕)(?:的)?上半"),
        ("in_lower_half", r"(?:lower|bottom) half of the (?:\w+ )?(?:picture|image|frame|photo|screen|shot)|(?:画面|图片|图像|照片|屏幕)(?:的)?下半"),
        ("in_left_half", r"left half of the (?:picture|image|frame|photo|screen|shot)|(?:画面|图片|图像|照片|屏幕)(?:的)?左半"),
        ("in_right_half", r"right half of the (?:picture|image|frame|photo|screen|shot)|(?:画面|图片|图像|照片|屏幕)(?:的)?右半"),
        ("hidden_by_blanket", r"blanket|duvet|covers\b|quilt|bedclothes|under the sheet|被子|毯|被窝|被单|包被"),
        ("image_left", r"(?:left (?:side )?of the (?:picture|image|frame|photo|screen))|screen[- ]left|image[- ]left|viewer'?s left|left edge|(?:画面|图片|图像|照片|屏幕|镜头|图里)的?(?:靠|最)?左"),
        ("image_right", r"(?:right (?:side )?of the (?:picture|image|frame|photo|screen))|screen[- ]right|image[- ]right|viewer'?s right|right edge|(?:画面|图片|图像|照片|屏幕|镜头|图里)的?(?:靠|最)?右"),
        ("touching_face", r"(?:touch\w*|on|against|rubbing) (?:the |her |his )?(?:face|cheek)|摸.{0,2}脸|碰.{0,2}脸|贴.{0,2}脸|捂脸|放在脸"),
        ("nearest_face", r"(?:near\w*|clos\w+)(?: to)? (?:the |her |his )?(?:face|mouth|nose)|离(?:脸|嘴|面部).{0,2}近|靠近脸|脸旁"),
        ("crossing_over", r"cross\w*|on top of the other|over the other|交叉|跨过|搭在上|压在|叠在|翘在上"),
        ("farther_camera", r"(?:far\w*|further|furthest|away) (?:from )?(?:the |us)?(?:camera|lens)?|at the back\b|离(?:镜头|相机|摄像头|我们).{0,3}远|远离镜头|靠后|远处"),
        ("nearer_camera", r"(?:near\w*|clos\w+)(?: to)? (?:the )?(?:camera|lens|us|viewer)|foreground|in front\b|离(?:镜头|相机|摄像头|我们).{0,3}近|靠近镜头|靠前|近处"),
        ("raised", r"raised|lifted|off the (?:mat|bed|mattress|surface)|in the air|held up|elevated|抬起|举起|翘起|悬空|离开床|抬高|腾空|举在"),
        ("more_bent", r"\bbent\b|flexed|curled|flexion|更弯|弯曲|屈曲|蜷|弯得"),
        ("straighter", r"straight\w*|extended|stretched|伸直|更直|伸展|直着|绷直"),
        ("higher", r"\bhigher\b|highest|topmost|uppermost|更高|较高|举得高|最高|高一点|靠上"),
        ("lower", r"\blower (?:of|down|in the)|which \w+ is lower|the lower (?:hand|arm|foot|knee|elbow)|lowest|bottommost|hangs lower|更低|较低|最低|低一点|靠下"),
    )
)  # fmt: skip
OPTIONS = tuple(
    (key, value, re.compile(pattern))
    for key, value, pattern in (
        ("dims", 2, r"\b2-?d\b|two[- ]dimension\w*|no depth|no 3d|二维|不要深度|不用3d"),
        ("dims", 3, r"\b3-?\s?d\b|3d|three[- ]dim\w*|\bdepth\b|xyz|x,? y,? (?:and )?z|\bz\b(?: coord\w*)?|in met(?:re|er)s|三维|立体|深度|空间坐标|单位米"),
        ("visibility", "occluded", r"(?:that are |the |only )?(?:hidden|occluded|covered|obscured|invisible|unseen|out of sight)(?! by)|can'?t (?:be )?see\w*|not visible|被?遮挡的?|被?挡住的?|看不见的?|看不到的?|遮住的?|隐藏的?|不可见的?"),
        ("visibility", "visible", r"(?:only )?(?:what (?:you|is) )?(?:can (?:actually )?(?:be )?see\w*)|\bvisible\b|in (?:plain )?view|seen points|unobscured|unoccluded|don'?t guess|看得见的?|能看到的?|可见的?|看得到的?|露出来的?|没被?挡住的?"),
        ("skeleton", "coco_wholebody133", r"whole-?body[- ]?133|coco[-_ ]?whole-?body|\b133\b|dense|wholebody|密集|全身133"),
        ("skeleton", "coco17", r"coco[-_ ]?17|\bcoco\b|\b17[- ](?:point|key|joint)\w*|17 ?个?(?:点|关键点)|十七点"),
        ("skeleton", "halpe26", r"halpe[-_ ]?(?:26)?"),
        ("skeleton", "lsp14", r"\blsp[-_ ]?(?:14)?|\b14[- ](?:point|joint)s?|14个?点"),
        ("skeleton", "smil25", r"\bsmil[-_ ]?(?:25)?|mini-?rgbd"),
        ("skeleton", "body25", r"body[-_ ]?25|openpose"),
        ("skeleton", "blazepose33", r"blaze-?pose|media-?pipe|\b33[- ](?:point|landmark)s?|33个?点"),
        ("subject", "leftmost", r"(?:person|baby|child|twin|infant|one|kid) (?:on the|furthest|to the|at the) (?:far )?left|leftmost (?:person|baby|child)|左边(?:那个|的)?(?:宝宝|人|孩子|娃|婴儿|双胞胎)|最左边"),
        ("subject", "rightmost", r"(?:person|baby|child|twin|infant|one|kid) (?:on the|furthest|to the|at the) (?:far )?right|rightmost (?:person|baby|child)|右边(?:那个|的)?(?:宝宝|人|孩子|娃|婴儿|双胞胎)|最右边"),
        ("subject", "topmost", r"(?:person|baby|one) at the top|topmost person|最上面(?:那个)?的?人"),
        ("subject", "bottommost", r"(?:person|baby|one) at the bottom|bottommost person|最下面(?:那个)?的?人"),
        ("subject", "largest", r"(?:biggest|largest) (?:person|figure|one)|最大的那?个?人"),
        ("subject", "infant", r"(?:only|just) the (?:baby|infant)(?:'s)?|(?:baby|infant) only|not the (?:nurse|mum|mother|adult)(?:'s)?|ignore (?:the )?(?:mum|adults?|nurse|grown-ups?)|只(?:要|看|标)(?:宝宝|婴儿|孩子)的?|不要大人"),
        ("subject", "adult", r"(?:the )?(?:nurse|mum|mom|mother|father|dad|doctor|adult|carer|caregiver|midwife|grown-up|therapist|physio)'?s?\b(?: only)?|护士的?|妈妈的?|爸爸的?|大人的?|成人的?|医生的"),
        ("premise", "prone", r"\bprone\b|on (?:her|his|its) (?:tummy|belly|stomach)|face down|趴着的?|俯卧位?"),
        ("premise", "supine", r"\bsupine\b|on (?:her|his|its) back|face up|仰卧位?|平躺|仰面"),
        ("premise", "left_lateral", r"(?:on (?:her|his|its|the) left side|left lateral)|左侧卧位?"),
        ("premise", "right_lateral", r"(?:on (?:her|his|its|the) right side|right lateral)|右侧卧位?"),
        ("premise", "sitting", r"\bsitting\b|\bseated\b|坐着的?|坐位|坐姿"),
        ("premise", "standing", r"\bstanding\b|站着的?|站立"),
        ("premise", "held", r"being held|in (?:mum|mom|her)'?s? arms|被抱着的?|抱在怀里"),
    )
)  # fmt: skip
REFUSALS = (
    ("injection", _any(
        r"(?:ignore|disregard|forget|override) .{0,20}(?:instruction|rule|above|previous|prompt|told)",
        r"system prompt|api key|password|developer mode|jailbreak|you are now|<script|drop table|rm -rf",
        r"(?:忽略|无视|忘掉|绕过).{0,8}(?:指令|规则|内容|设定|过滤|上面|以上)|系统提示|密钥|密码|越狱",
    )),
    ("contradictory", _any(
        r"visible .{0,20}(?:that are|which are|but) (?:hidden|occluded|not visible)", r"hidden visible|visible hidden",
        r"everything (?:except|but) everything", r"all joints except all", "可见的?(?:被遮挡|隐藏|不可见)", "看不见的可见|看得见的隐藏",
    )),
    ("not_pose", _any(
        r"\bhow (?:many|much|old|long|warm|heavy|do i|to|often)\b", r"\b(?:recipe|cream|surgery|fracture|broken|hurts?|pain|swollen|rash|eczema|size|price|cost|weather|joke|diagnos\w+|normal|shoes?|socks?|exercise|treatment|temperature|heart rate|apgar|colou?r|phone|alarm)\b",
        r"\bwho (?:is|won|are)\b", r"\bwhat (?:size|colou?r|does|is the (?:time|weather))\b", r"\bgive me a hand\b|\bhand me\b|\bface it\b|head (?:office|of the)",
        r"\b(?:write|translate|spell|buy|cook|call|play|remind|git|python)\b",
        "多少钱|怎么(?:写|办|做|治|洗|炖|按摩|设置|改)|疼|痛|骨折|湿疹|天气|几块|几点|几岁|几个月|多大码|尺码|鞋|袜|推荐|牌子|正常吗|是不是|吃什么|什么颜色|挂什么科|手术|心率|体温|体重|身高|讲个|写一|唱|谢谢你|再见|晚安|你是谁|诊断|健康吗",
    )),
)  # fmt: skip
ASKING = _any(
    r"\b(?:show|mark|find|where|plot|track|locate|annotate|label|give|the)\b",
    "标|找|在哪|给我|定位|画|显示",
)
BODY_HINT = _any(
    r"joint|keypoint|point|landmark|skeleton|pose|body|everything|all|baby|person|infant|figure",
    "关节|点|骨架|骨骼|姿|全|所有|人|宝宝|婴儿|身",
)
ONLY_WISHES = re.compile(r"(?:in|the|,|\s)*")
