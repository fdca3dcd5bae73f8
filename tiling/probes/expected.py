"""Digests that SciPy 1.17 on x86-64 gives of every probe: written by ``make attested``.

Of correlations, a line for each pair of dtypes, input and output, with a digest for each edge mode;
of other operations, a line for each kind and dtype. `tiling.probes.digests` says what it means, and
a test computes it all again.
"""

MODES = ("reflect", "mirror", "nearest", "constant", "wrap")

TABLE = """
bool       bool       adbc4e62c307 5096df3eada3 2c4498142252 d6e39142517e 48e4b86d59b7
bool       int8       95fda16c3c7e 2e1ddc644a81 a56f4d851f5f 865298ffd7ae d0744ef3c707
bool       int16      7c3445e3b047 0ed60788211f 12603bf1f38b f4c8efce1447 26be613fe26e
bool       int32      a330b78f8d93 c91db17c7d99 3ae63efa2bae 1fc70b3d8f15 e03f810af181
bool       int64      6f3f589cfd6e a04bea8fcb27 730c1ad87c42 89e838068433 b6b091e5941c
bool       uint8      adbc4e62c307 5096df3eada3 2c4498142252 d6e39142517e 48e4b86d59b7
bool       uint16     c611ad13bda7 804f70b83528 809865f4bba4 a0a1c0b3e90e c0ea30446c64
bool       uint32     dad762b6fe99 be0c5f8f165b 3dc651134bde 1c4adff88369 d52c28ec4442
bool       uint64     ec5021a87805 071e6114b2f8 511580299ca6 e9a101baeb39 b28a2ef9e9e8
bool       float32    cb8297542c39 73feac6b743a b8a2bc86f07c 284bfb1ff54a 5bdffcbba0c5
bool       float64    bfa16ce0c410 fdd63bd775d2 c8117f0c95d3 d68572e8f306 6e270f6e8a4f
int8       bool       1bbda79337bb f71433d1e194 c369831d80d1 a7bc8bec00cb 50b60f333725
int8       int8       021e2a030af4 92a4d5dea931 e47ab772852d 11ac9873ed31 c464b9321cd3
int8       int16      4a855bcb59f5 8126a1790156 b962b873a1bd aded19773c4a 89de65e4d50c
int8       int32      712c58a599b2 06cbb2170036 485571f1de67 47c5129a48ce dc44829807d1
int8       int64      58f47670aeee 9028141f3f70 f11c580adb45 8cb3072ea9e5 387e096451ec
int8       uint8      1bbda79337bb f71433d1e194 c369831d80d1 a7bc8bec00cb 50b60f333725
int8       uint16     0dd5fc38562b 696b617e7bc4 fca0b1ba0a06 73b80888e627 3ea35d215c53
int8       uint32     9b652da93c41 3f5a07068988 dc046ee9e9fb f8b522a98fac ac8cb139fc7f
int8       uint64     22bd09d62c07 8efba08955ae 9b706ccc06f5 7cde4c046e40 fe3c5718cbfa
int8       float32    0c9bc0c5bb5e 9ffe339df2b8 7a7991fd861e 55f59c2de9ee 59a78eae58f6
int8       float64    2163b65478a2 5e967b26a384 200a323754b5 8bafbca4000d b40da6a8e18e
int16      bool       2a485250b8d9 746423aea6ec e8661216274c 8d84d720841e 101caed0cecd
int16      int8       10db4456b692 6fde654ec0f3 3036bdb13df5 70a785f54b26 f5bd6d9c9b0c
int16      int16      320dc59e0871 4f8b6dfd0b99 e1c8290cfab5 d62b9c0c427f b14269ebc5a3
int16      int32      3e440f7e9fb4 7b21286ccb43 9c39a3446e63 66624dfc314d cbb4d0f8673c
int16      int64      bb289a6bf44d e81876704b0a f604b0a3821f 754899e9082c 17c4a1530631
int16      uint8      2a485250b8d9 746423aea6ec e8661216274c 8d84d720841e 101caed0cecd
int16      uint16     b8450fa5c2b6 3d467166cb13 fe9390e327e9 04465a150eaa da7dfd91632d
int16      uint32     5b2e5e9bf3e5 3ad37be3ef61 9a19da0ed80a dae944bdade9 408bc9812113
int16      uint64     553eba580a31 2541ce69b619 444c5880f0d7 cdb741b7d6e5 e19c3c8750a2
int16      float32    5363dca6e51c bfa58f2a8c32 5ec1616ee1d6 96f424c88450 7fb98701e348
int16      float64    d19ecb47a170 3a3ad5c4275f c98ffe8ee069 4a974d2906c9 74f30f4ac1af
int32      bool       72cce5bec5e0 909edab23b14 d3ba797c43bf 5cda84f16a10 dd6e900867fd
int32      int8       690ddc2d9910 856329ad6dd8 7059b59fee56 b721382b6e0e 9a67edb7d03c
int32      int16      609931b22c2f 59df2e08adb2 62189c1b8416 c9ac8807bfbe 004f38196f01
int32      int32      d2e1fb81d338 beefa6271162 562e8b4c2e69 3c393103fba6 f6c7eed17370
int32      int64      ad050a7b0669 714bb2017919 7b32166a9ef1 7966d121d1e4 fa5fdbd41cbc
int32      uint8      72cce5bec5e0 909edab23b14 d3ba797c43bf 5cda84f16a10 dd6e900867fd
int32      uint16     374f9ab015ee 2cdccbfa4d3a 2b8830e12673 3e499a4587e5 f1f947320390
int32      uint32     d9359481bb8c 51b36c1c7cce fae540446e76 243e8ac435a1 c9dc7bb51e3d
int32      uint64     389bb69d4072 0c0e86cf1ad7 88db1e0f4886 0c6f331003c3 e7e63390142f
int32      float32    c8098566c43e 82dc72c896c0 9052cc737f1c 0e0e6c3178a3 939b08f2451e
int32      float64    4515cd6bb94e b4de587123c1 05c9c9bdd9f9 5378f61a637a e71bd2ade9c9
int64      bool       3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
int64      int8       3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
int64      int16      944534f7d7fe 944534f7d7fe 944534f7d7fe d24200d14dd4 944534f7d7fe
int64      int32      c46f5e0ca827 c46f5e0ca827 c46f5e0ca827 da31ea99ea4a c46f5e0ca827
int64      int64      0222b1b90150 601b25e66166 8394260b3b27 0cee7ed47245 f4cc09fd1cb0
int64      uint8      3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
int64      uint16     944534f7d7fe 944534f7d7fe 944534f7d7fe d24200d14dd4 944534f7d7fe
int64      uint32     ce26c0c2610f b51b99c3afdd b3a34d6877df e3ebf8271dee e3ca317d5ed4
int64      uint64     72f41714cc15 b9166bf57427 98eab9905c31 42886f5ab963 3425ebc8ac1d
int64      float32    7994ece677be c76239e12345 1f21a9fbcef7 c46c009aaacb a8a7efb3fc62
int64      float64    36a7fe2e0191 fb26cf08118e 2a6f4c1f24c6 8175133994dc e13e0ae347fc
uint8      bool       a574646b6bda 4d6c19ce34cf 052d54c6b5a1 abd76c360a64 6c7ba1dbf416
uint8      int8       077e017892fd 77358f07090e 9e1323237eb7 2ac9571a55bb abe7afcb98ad
uint8      int16      b6cf00729e83 58e180c3040f 8baa671ce3c8 0a7caae98a50 c376116986b9
uint8      int32      644ee42720fc 22ba602e6318 aed180f19f17 bd0818a05792 9ce7d294629e
uint8      int64      2d7fc9bf8dbf 1989755090de d54193d94222 e57c1d131327 dcd294d389df
uint8      uint8      a574646b6bda 4d6c19ce34cf 052d54c6b5a1 abd76c360a64 6c7ba1dbf416
uint8      uint16     dab08cba5a4c 6d5d0b7078e6 25b4e6327b03 9a0b30037b06 f6ef400fa5c7
uint8      uint32     f83c96f9ce89 723f91fab73f 1b7fa12e34af ca0c913b9c5d c3600fdf29e9
uint8      uint64     53a20b55918c b04ccf4000aa c047a4c94a0c 7abe1c4d34d6 045d08638df0
uint8      float32    d14bfaf7796b ca9ff38bc72c c0e0aba777f8 e56f1d3b73b0 cb566ff35ece
uint8      float64    e3a17378e0b1 72dde335550e 0d533889845a 3b7d87811fd7 37de4d23268d
uint16     bool       6cdea37b1eca a1418a070a8b 9297b3ec26c2 0ff8c591ca28 4c3e51ddf219
uint16     int8       9c9d2a4f72aa 6329d9db8608 4c2f0d1d5211 3a404362c58e bc92f3b765f9
uint16     int16      8b1bb0753a2e 33848a51557d 71f58d8b9126 c2bb36926b5d 2406152ad838
uint16     int32      bdd36af12ebe 37283a04ea6b 137bf948eea9 7dd2785948d6 442b3be58c9f
uint16     int64      d0c4e3ae34c2 624076d36e6f 6228e491031b 351e59d2f958 cb8cc6ba0fdf
uint16     uint8      6cdea37b1eca a1418a070a8b 9297b3ec26c2 0ff8c591ca28 4c3e51ddf219
uint16     uint16     e960f1973cf1 4c1f335fc3e9 3ed09ee2e972 4c624a02f4e6 4bc880896757
uint16     uint32     18c9caf86732 d10d0ca67e50 f691992d2657 f88d74516f2e 1d0ea2dc2443
uint16     uint64     a6a9153350af f9d0c7b08d27 e3fa52f74b8b 1aaab0bce67f 2ac75b29ec13
uint16     float32    9f10ef47cb96 d5b8073e4210 9f59cc9ef917 7e7f3c7a23ad 98a49aacbca5
uint16     float64    6aecdb242b94 f74bc13fb051 fc5aabe5ee49 530903c04dcf b7ad5fb4fd58
uint32     bool       ce8895ffa046 8b2991472b84 ddd085eb1920 af154dfcfc1a 605d4dc5bd31
uint32     int8       f443e2aa3375 4d47ab67a507 7bbc773a19e4 68ebd381b13e 3542ee14bd77
uint32     int16      0be3a9696995 0f134718de78 6375118a4891 483e2679f50f 88490c013422
uint32     int32      18842e415598 2ac24e68faca 92ce809ffc9d f3ac6681e71b 47d10a242676
uint32     int64      ea5d8d4f1e5c 168d1f227970 7fac53e21f74 e42e24a547fa b2ea5abfb9d8
uint32     uint8      ce8895ffa046 8b2991472b84 ddd085eb1920 af154dfcfc1a 605d4dc5bd31
uint32     uint16     261208a429ca 243196eab2c2 39f41ed3adf8 d779797cb0bf b83351277c69
uint32     uint32     24938f7f2d2e 833aee4a9b5d 7bbe14a751bf 999b0b352a1e d812129e38a5
uint32     uint64     824e38291527 045143dc8048 04d6a365fd76 d2b008a46a9f d1a25548619f
uint32     float32    d0baf70db33e 0bde1d4bd966 12890cba8d08 cf9730572e56 c119cef15d4f
uint32     float64    b9af0943035a 6c2b7ff0cc14 6b792e57a417 93d5f13cdd4e e6dc729fbc00
uint64     bool       3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
uint64     int8       3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
uint64     int16      944534f7d7fe 944534f7d7fe 944534f7d7fe d24200d14dd4 944534f7d7fe
uint64     int32      c46f5e0ca827 c46f5e0ca827 c46f5e0ca827 da31ea99ea4a c46f5e0ca827
uint64     int64      c4dd71a629f3 4f62f49b72c9 78be0070954b 584946a13bf1 db942f4cbf90
uint64     uint8      3eb60546d049 3eb60546d049 3eb60546d049 d199c18ca177 3eb60546d049
uint64     uint16     944534f7d7fe 944534f7d7fe 944534f7d7fe d24200d14dd4 944534f7d7fe
uint64     uint32     6a37f3087c4b ee64eb958772 71e35c645558 52ccebe21d3f 46a6b65a2d53
uint64     uint64     d03af4d07314 77635171bfd8 bf3fcac825fe 5f9848a34233 ab60bcdee17c
uint64     float32    7ea2f4c80284 3d129863144d ac0c19663ea4 d7739ff45e43 8ad110b5c9cf
uint64     float64    33827eb8a3a4 a27dd5f618e3 1795648eb895 be8cc2b2b64f 38c064c530af
float32    bool       7581fc84c657 7488553cc839 65b220b3aa47 8eebb0496b8a e84f0715f9de
float32    int8       dd2fcda6a00c 6b5d7573312d 107f36211d97 6a95be6fa931 0b3b41778f00
float32    int16      c21ef02de952 5346355509fe d428daeafe53 4ba9553ecac4 bc3b0233e4dd
float32    int32      03b9fef1fb3c 9e5c5a01f70b da0d5f89cdd9 5994f95269f3 d67f236e3891
float32    int64      c7d2bccabc6f 1e7d551f8df8 c083510b8c9f a0c27801a2c9 314ce7dc7629
float32    uint8      7581fc84c657 7488553cc839 65b220b3aa47 8eebb0496b8a e84f0715f9de
float32    uint16     40cbef7d37d1 0097f8552a3e 4b1b9864ff1d 8146aba0b775 90f21daac530
float32    uint32     a499f5ecbe22 ed5de60c5f38 4d497a333cc0 c1d8e3417f47 cbfe2bbeb5df
float32    uint64     6a9c3d9c2ebd d3de7e4019b5 fc1ee65d73a0 0f1a91891971 a479bd1632ce
float32    float32    0506b5708e9c cc138ca3c28d eece5121b000 a3596709cffe ee83436d0342
float32    float64    05f72b4d42b7 69a953f6a75b a30a0e165c63 32d32782af41 db816b9502f7
float64    bool       824d069d7453 ebb5ffbfb423 cdf3c9dd40b0 7e49a629380f 088fdd5b1796
float64    int8       a6cb172a1199 1b4a916723be 58de6352748e 149ed4ae79e7 dfc0a48d09d0
float64    int16      4e1581c66b1e 88a505397680 13ed9d83e141 ccadb25cb06b 87aa9d7adf45
float64    int32      232ced7b4e37 823f602620e9 df5277489b95 71a61ff98e45 ea84a0ff94cf
float64    int64      4a5ece0709e9 468a037797ba d418649df9c3 d595225666e2 82244698ba48
float64    uint8      824d069d7453 ebb5ffbfb423 cdf3c9dd40b0 7e49a629380f 088fdd5b1796
float64    uint16     45125f7a990d acd0fa416a4e 070eceb8cc14 3bfdc2e4086d e8288b07ab85
float64    uint32     831f77334060 b8b87bf853d9 4e8d34dcdecd 7c3f7429f7ba 686da41d8fb6
float64    uint64     852d6b086c3b 08cba8d1ebf4 148943ec0235 75a92e8c2853 4e2915163c61
float64    float32    99f9f51c1d4e beba784a98a1 fd810e7663ff 903ec2139ba4 1efb3d70d417
float64    float64    308762741887 caf21afdd5ae 5cbeb9a44bd8 ea7284508821 c1f85d50410b
complex64  complex64  dbb5b3ab43a8 2f26e1ce0460 17fb62c603f5 0f613429f0f5 f1eea9b72dbf
complex64  complex128 cf9e8ec377dd 7eb3b499cb66 021613dc60da 1967047ea28a 0a2ac6aec093
complex128 complex64  00c54300c5c0 b8912ffb7613 c193f8f6eddf d4397b6112d3 987574d2ba4b
complex128 complex128 3a00f8d23a1d 155f40cb562a 12e57c1a2d9f 88d39e825fac c89ba14630f0
"""

WINDOWS = """
subnormals                       2ee89d934dee
running_extremum-bool            992cfbd147d3
running_extremum-int8            218367ae262c
running_extremum-int16           f8c206ca7818
running_extremum-int32           dfcbaeaec2f1
running_extremum-int64           64ada4bd525b
running_extremum-uint8           ce5c5959863c
running_extremum-uint16          829f9fab58c2
running_extremum-uint32          20dec7233e26
running_extremum-uint64          061e9705c203
running_extremum-float32         a77a99275903
running_extremum-float64         4ecc1c299e14
running_mean-bool                43de334551e3
running_mean-int8                c019a5e8e66d
running_mean-int16               79a72710c051
running_mean-int32               473f0ee4d550
running_mean-int64               67ee2df0455e
running_mean-uint8               18d2efd94ed9
running_mean-uint16              46d5ca19eca2
running_mean-uint32              1964819a9207
running_mean-uint64              19d3c87dc6d0
running_mean-float32             201803e2e9c2
running_mean-float64             4f92f882ebde
running_mean-complex64           a7aaf1ce15ba
running_mean-complex128          ddb6528e928c
complex_correlation-bool         f54adbc38ea1
complex_correlation-int8         94e15edc9e64
complex_correlation-int16        e0bacf49e130
complex_correlation-int32        7b0f146783e8
complex_correlation-int64        9fa9fcf00edd
complex_correlation-uint8        b68d052922bb
complex_correlation-uint16       d3dfc68ebbd6
complex_correlation-uint32       23169113d4c3
complex_correlation-uint64       f7e13327cd7a
complex_correlation-float32      5fb544fce367
complex_correlation-float64      866c05436d9f
complex_correlation-complex64    e17f2956d1f4
complex_correlation-complex128   81c858a5568f
correlation-bool                 7fd4562446ff
correlation-int8                 47e46d3b5a05
correlation-int16                f9327403ae44
correlation-int32                e63c9d0665d3
correlation-int64                ee27d357f4f2
correlation-uint8                aff1b03d17a8
correlation-uint16               5b427fe0858e
correlation-uint32               e1b71b9a5df8
correlation-uint64               399b6fe36730
correlation-float32              bc0d49735d7e
correlation-float64              bbc2f3e857ed
correlation-complex64            8d6b74cb8b7a
correlation-complex128           f52a7b77c711
extremum-bool                    2a0019ee59ae
extremum-int8                    dc35b814862e
extremum-int16                   44c7155386e4
extremum-int32                   3de241a89ccc
extremum-int64                   a9d3fae64717
extremum-uint8                   034793f03dc5
extremum-uint16                  6536af60c75f
extremum-uint32                  1e981808267f
extremum-uint64                  782759b88be7
extremum-float32                 8ce2f36c4152
extremum-float64                 3b846e36ee63
rank-bool                        5163d2df9290
rank-int8                        c32410783713
rank-int16                       e033ea956f7b
rank-int32                       0e6d9ac93afc
rank-int64                       0c14c327b500
rank-uint8                       30c313a3938a
rank-uint16                      e26b7c20779d
rank-uint32                      00e792b1cad0
rank-uint64                      60df54aa1590
rank-float32                     038d3779dbc5
rank-float64                     251714fac663
erosion-bool                     41f6d48d0789
erosion-int8                     056055906e0a
erosion-int16                    74cc3515a903
erosion-int32                    74cc3515a903
erosion-int64                    74cc3515a903
erosion-uint8                    056055906e0a
erosion-uint16                   74cc3515a903
erosion-uint32                   74cc3515a903
erosion-uint64                   74cc3515a903
erosion-float32                  044e152e55f1
erosion-float64                  4b9a111c88a7
propagation-uint8                071fa695a7c3
"""
